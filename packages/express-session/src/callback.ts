import { isStoreError, type StoreError } from "@kv/core";

/** As Node has it: the error first, or `null`. */
export type Callback<T> = (error: unknown, result?: T) => void;

/**
 * Gives a result to the callback, once, and never before the caller goes on. Where there is none (a bare
 * `req.session.destroy()`), `tell` hears of a failure of the store, which must not end the process.
 */
export function answer<T>(
  result: Promise<T>,
  callback: Callback<T> | undefined,
  tell: (error: StoreError) => void,
): void {
  // On the next tick, so that what the callback throws is its own affair, and no second call.
  result.then(
    (value) => {
      if (callback !== undefined) process.nextTick(callback, null, value);
    },
    (error: unknown) => {
      if (callback !== undefined) process.nextTick(callback, error);
      else if (isStoreError(error)) tell(error);
      else throw error;
    },
  );
}
