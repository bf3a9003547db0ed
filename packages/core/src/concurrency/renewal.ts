import { time, unref } from "../time/time.ts";

/**
 * Does the work, and calls `renew` every `everyMs` while it is in flight. A renewal that fails becomes a process
 * warning; it does not fail the work.
 */
export async function withRenewal<T>(
  everyMs: number,
  renew: () => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const renewal = unref(time.setInterval(renew, everyMs));
  try {
    return await work();
  } finally {
    time.clearInterval(renewal);
  }
}
