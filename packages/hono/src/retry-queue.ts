import { inBackground, KeyedQueue } from "@kv/core/driver";

/**
 * How long a turn keeps the next one waiting. Whoever calls for longer goes on beside it: a change may wait for a request
 * that is behind it in this queue, or for ever.
 */
const longestTurnMs = 1_000;

/**
 * Has those take turns who lost a race for one entry: each then reads and writes with nobody of this process in between,
 * where all at once would lose again, all but one. Nothing depends on the turns but how often something is tried.
 */
export class RetryQueue {
  readonly #queue = new KeyedQueue();

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      inBackground(() =>
        this.#queue.run(key, async () => {
          const result = work();
          resolve(result);
          await overOrLate(result);
        }),
      );
    });
  }
}

async function overOrLate(result: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, longestTurnMs);
  });
  await Promise.race([result.catch(() => {}), late]);
  clearTimeout(timer);
}
