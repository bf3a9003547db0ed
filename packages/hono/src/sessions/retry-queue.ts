import { KeyedQueue, settlesWithin } from "@kv/core/driver";

/**
 * The longest that work keeps the next one waiting: longer work goes on alongside it, for it may wait for a request
 * that is behind it in the queue, or never end.
 */
const maxExclusiveMs = 1_000;

/**
 * Does writes that met a conflict one at a time for each entry: no other one of this process comes between its read and
 * its write, where all but one of concurrent ones would fail again. It only saves attempts; no result depends on it.
 */
export class RetryQueue {
  readonly #queue = new KeyedQueue();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const { result } = await this.#queue.run(key, async () => {
      const begun = { result: work() };
      const settled = begun.result.catch(() => {});
      await settlesWithin(maxExclusiveMs, settled);
      return begun;
    });
    return result;
  }
}
