import { type Timer, time } from "./time.ts";

/** Resolves after so many milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => time.setTimeout(resolve, ms));
}

/** Lets the event loop handle what has arrived. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => time.setImmediate(resolve));
}

/**
 * Tells whether a promise settles within so many milliseconds: at most `longestTimerMs`. Rejects as the promise does
 * within that time. What becomes of it later is ignored.
 */
export async function settlesWithin(limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<false>((resolve) => {
    timer = time.setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    time.clearTimeout(timer);
  }
}
