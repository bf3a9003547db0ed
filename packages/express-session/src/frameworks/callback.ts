import { isStoreError, type StoreError } from "@kv/core";
import { inBackground, time } from "@kv/core/driver";

/** A callback as Node has it: it gets the error first, or `null`. */
export type Callback<T> = (error: unknown, result?: T) => void;

/**
 * Calls back with a result, once, and never before the caller goes on. What the callback throws becomes a process
 * warning. `reportError` gets each failure of the store, even without a callback (a bare `req.session.destroy()`).
 */
export function callBack<T>(
  result: Promise<T>,
  callback: Callback<T> | undefined,
  reportError: (error: StoreError) => void,
): void {
  inBackground(async () => {
    try {
      const value = await result;
      if (callback !== undefined) time.nextTick(() => callback(null, value));
    } catch (error) {
      if (isStoreError(error)) reportError(error);
      else if (callback === undefined) throw error;
      if (callback !== undefined) time.nextTick(() => callback(error));
    }
  });
}
