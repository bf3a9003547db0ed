import { isStoreError, type StoreError } from "@kv/core";
import { guarded, inBackground } from "@kv/core/driver";

/** As Node has it: the error first, or `null`. */
export type Callback<T> = (error: unknown, result?: T) => void;

/**
 * Gives a result to the callback, once, and never before the caller goes on. What the callback throws becomes a process
 * warning. `tell` hears of each failure of the store, also where there is no callback (a bare `req.session.destroy()`).
 */
export function answer<T>(
  result: Promise<T>,
  callback: Callback<T> | undefined,
  tell: (error: StoreError) => void,
): void {
  inBackground(async () => {
    try {
      const value = await result;
      if (callback !== undefined) process.nextTick(guarded(callback), null, value);
    } catch (error) {
      if (isStoreError(error)) tell(error);
      else if (callback === undefined) throw error;
      if (callback !== undefined) process.nextTick(guarded(callback), error);
    }
  });
}
