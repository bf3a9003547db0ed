import { sleep } from "@kv/core/driver";
import type { Checkpoint, TestClock } from "../contract/test-clock.ts";
import { realMs } from "../support/real-time.ts";

/** Makes the time of a store, by the `advance` of its harness where there is one. */
export function createTestClock(advance: ((ms: number) => void | Promise<void>) | undefined): TestClock {
  let advancedMs = 0;

  function checkpoint(): Checkpoint {
    const then = { realMs: realMs(), advancedMs };
    const reallyMs = (): number => realMs() - then.realMs;
    return {
      // A clock that is moved may also go on by itself, or stand still: hence at most, and below at least.
      atMostMs: () => advancedMs - then.advancedMs + reallyMs(),

      async until(ms) {
        if (advance === undefined) {
          // A timer may fire a little early.
          for (let left = ms - reallyMs(); left > 0; left = ms - reallyMs()) await sleep(Math.ceil(left));
          return;
        }
        const left = ms - (advancedMs - then.advancedMs);
        if (left <= 0) return;
        advancedMs += left;
        await advance(left);
      },
    };
  }

  return {
    isFake: advance !== undefined,
    shortMs: advance === undefined ? 40 : 3_600_000,
    checkpoint,
    sleep: (ms) => sleep(Math.ceil(ms)),
  };
}
