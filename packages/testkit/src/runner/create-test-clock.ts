import { sleep } from "@kv/core/driver";
import type { Checkpoint, TestClock } from "../contract/test-clock.ts";
import { inspectDuration } from "../support/inspect.ts";
import { realMs } from "../support/real-time.ts";

/** Makes the time of a store, by the `advance` of its harness where there is one. `note` is told of all that passes. */
export function createTestClock(
  advance: ((ms: number) => void | Promise<void>) | undefined,
  note: (line: string) => void,
): TestClock {
  let advancedMs = 0;

  async function reallySleep(ms: number): Promise<void> {
    await sleep(Math.ceil(ms));
    note(`${inspectDuration(ms)} later`);
  }

  function checkpoint(): Checkpoint {
    const then = { realMs: realMs(), advancedMs };
    const reallyMs = (): number => realMs() - then.realMs;
    return {
      // A clock that is moved may also go on by itself, or stand still: hence at most, and below at least.
      atMostMs: () => advancedMs - then.advancedMs + reallyMs(),

      async until(ms) {
        if (advance === undefined) {
          // A timer may fire a little early.
          for (let left = ms - reallyMs(); left > 0; left = ms - reallyMs()) await reallySleep(left);
          return;
        }
        const left = ms - (advancedMs - then.advancedMs);
        if (left <= 0) return;
        advancedMs += left;
        await advance(left);
        note(`${inspectDuration(left)} later`);
      },
    };
  }

  return {
    isFake: advance !== undefined,
    shortMs: advance === undefined ? 40 : 3_600_000,
    checkpoint,
    sleep: reallySleep,
  };
}
