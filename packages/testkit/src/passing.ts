import { sleep } from "@kv/core/driver";
import { realMs } from "./real-time.ts";

/** The time that passes for a store: on a clock that can be moved, or in reality. */
export interface Passing {
  /** Tells whether the clock can be moved. */
  readonly moved: boolean;
  /** A life of an entry that is over soon: an hour of a clock that can be moved, else 40 ms. */
  readonly shortMs: number;
  /** Marks this moment. */
  mark(): Mark;
  /** Waits in reality, for what a clock that is moved cannot tell, such as timers. */
  reallyPass(ms: number): Promise<void>;
}

/** A moment, and the time since then. */
export interface Mark {
  /** Returns the most that can have passed for the store since then. */
  atMostMs(): number;
  /** Lets time pass until at least so much has passed for the store since then. */
  until(ms: number): Promise<void>;
}

/** The resolution of time (T1), to either side. */
export const resolutionMs = 1;

/** Makes the time of a store, by the `advance` of its harness where there is one. */
export function passing(advance: ((ms: number) => void | Promise<void>) | undefined): Passing {
  let advancedMs = 0;

  function mark(): Mark {
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
    moved: advance !== undefined,
    shortMs: advance === undefined ? 40 : 3_600_000,
    mark,
    reallyPass: (ms) => sleep(Math.ceil(ms)),
  };
}
