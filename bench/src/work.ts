/** Works for a short while, and says how much it did a second. */
export type Work = () => Promise<number>;

/** The `at`-th call. */
export type Call = (at: number) => unknown;

/** Calls in a loop, so many in flight, for about so long. */
export function calling(call: Call, concurrency: number, sliceMs: number): Work {
  let count = concurrency;
  let next = 0;
  let isWarm = false;

  async function run(): Promise<number> {
    const beganMs = performance.now();
    const each = Math.ceil(count / concurrency);
    const from = next;
    next += each * concurrency;
    if (concurrency === 1) await worker(call, from, 1, each);
    else {
      await Promise.all(
        Array.from({ length: concurrency }, (_, lane) => worker(call, from + lane, concurrency, each)),
      );
    }
    return (each * concurrency * 1_000) / (performance.now() - beganMs);
  }

  return async () => {
    if (!isWarm) {
      // The count that fills a slice, found after the code has been compiled.
      for (let pass = 0; pass < 6; pass += 1) {
        const rate = await run();
        count = Math.max(concurrency, Math.round((rate * sliceMs) / 1_000));
      }
      isWarm = true;
    }
    return run();
  };
}

/** One call at a time, whose preparation does not count. */
export function preparing(prepare: () => Promise<unknown>, call: () => unknown): Work {
  return async () => {
    await prepare();
    const beganMs = performance.now();
    await call();
    return 1_000 / (performance.now() - beganMs);
  };
}

async function worker(call: Call, from: number, step: number, count: number): Promise<void> {
  for (let done = 0, at = from; done < count; done += 1, at += step) await call(at);
}
