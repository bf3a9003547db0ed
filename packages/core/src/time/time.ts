import { guarded } from "./background.ts";

/** A timer that runs. Browsers and workers give a number, which keeps nothing alive. */
export type Timer = ReturnType<typeof setTimeout>;

/**
 * The clocks and timers of the runtime. All packages of `@kv` reach time through `time` and through nothing else, so a
 * test or a simulator can put its own in its place (`replaceTime` of `@kv/core/testing`).
 */
export interface Time {
  /** Reads the wall clock, in milliseconds since 1970. It may jump, in both directions. */
  wallMs(): number;

  /** Reads the clock that never goes back, in milliseconds since some moment in this process. */
  monotonicMs(): number;

  /**
   * Calls back once, after at least so many milliseconds, or after `longestTimerMs` where that is less. What the callback
   * throws, or rejects with, becomes a process warning, as with all that call back here.
   */
  setTimeout(callback: () => unknown, ms: number): Timer;

  /** Stops a timer. Does nothing for one that has fired, and for `undefined`. */
  clearTimeout(timer: Timer | undefined): void;

  /** Calls back again and again, so many milliseconds apart, or `longestTimerMs` where that is less. */
  setInterval(callback: () => unknown, ms: number): Timer;

  /** Stops an interval. */
  clearInterval(timer: Timer | undefined): void;

  /** Calls back once the event loop has handled what has arrived. */
  setImmediate(callback: () => unknown): void;

  /** Calls back as soon as the code that runs now has returned. */
  nextTick(callback: () => unknown): void;
}

/** The longest that a timer of the runtime can wait; a longer one would fire immediately. */
export const longestTimerMs: number = 2 ** 31 - 1;

/** The clocks and timers that all packages use. Looked up at each call, so fake timers of a test runner work too. */
export const time: Time = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(guarded(callback), Math.min(ms, longestTimerMs)),
  clearTimeout: (timer) => clearTimeout(timer),
  setInterval: (callback, ms) => setInterval(guarded(callback), Math.min(ms, longestTimerMs)),
  clearInterval: (timer) => clearInterval(timer),
  setImmediate(callback) {
    // Not every runtime has it; a timer of 0 ms gives way too, a little longer.
    if (typeof setImmediate === "function") setImmediate(guarded(callback));
    else setTimeout(guarded(callback), 0);
  },
  nextTick(callback) {
    const { process } = globalThis as {
      readonly process?: Partial<Pick<typeof globalThis.process, "nextTick">>;
    };
    if (typeof process?.nextTick === "function") process.nextTick(guarded(callback));
    else queueMicrotask(guarded(callback));
  },
};

/**
 * Puts other clocks and timers in the place of the runtime's, for this process, until the answer is disposed of. What is
 * left out stays. For tests and simulators.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { replaceTime } from "@kv/core/testing";
 *
 * let nowMs = 0;
 * const replaced = replaceTime({ monotonicMs: () => nowMs });
 * const store = memoryStore();
 * await store.set("k", "a value", { expiresIn: "1h" });
 * nowMs += 3_600_000;
 * console.log(await store.exists("k")); // false
 * replaced[Symbol.dispose]();
 * ```
 */
export function replaceTime(replacement: Partial<Time>): Disposable {
  const before = { ...time };
  Object.assign(time, replacement);
  return { [Symbol.dispose]: () => void Object.assign(time, before) };
}

/** Lets the process end while a timer runs, where the runtime can. */
export function unref(timer: Timer): Timer {
  if (typeof timer === "object") timer.unref();
  return timer;
}
