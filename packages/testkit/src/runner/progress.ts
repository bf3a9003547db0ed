import { settlesWithin } from "@kv/core/driver";
import { HangError } from "../contract/expectation-error.ts";

const looks = 10;

/**
 * Resolves as a promise does, however long it takes, as long as `progress` goes on. Rejects with a `HangError` when nothing
 * has happened for `limitMs`, seen in several looks: while the event loop stands still none is made.
 */
export async function whileProgressing<T>(
  promise: Promise<T>,
  limitMs: number,
  progress: () => number,
): Promise<T> {
  let seen = progress();
  let quietLooks = 0;
  while (!(await settlesWithin(limitMs / looks, promise))) {
    const now = progress();
    quietLooks = now === seen ? quietLooks + 1 : 0;
    seen = now;
    if (quietLooks === looks) throw new HangError(limitMs);
  }
  return await promise;
}
