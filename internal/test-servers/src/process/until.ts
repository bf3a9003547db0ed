import { setTimeout as pause } from "node:timers/promises";

const STEP_MS = 20;

/**
 * Asks again and again until `probe` gives something other than `undefined`, and resolves to that.
 *
 * Rejects once `withinMs` have passed, with `what` in the message and the probe's last error as `cause`.
 * A probe may reject meanwhile: a server that is starting refuses connections.
 */
export async function until<T>(
  what: string,
  withinMs: number,
  probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  let cause: unknown;
  do {
    try {
      const found = await probe();
      if (found !== undefined) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await pause(STEP_MS);
  } while (performance.now() < deadlineMs);
  throw new Error(`Waited ${withinMs} ms in vain for this: ${what}`, { cause });
}
