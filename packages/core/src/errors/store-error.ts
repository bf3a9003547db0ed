import type { SchemaIssue } from "./schema-issue.ts";

/**
 * Why a call could not be carried out. Programs act on the code; people read the message.
 *
 * - `KV_UNAVAILABLE`: not sent, or a read without a reply; nothing was changed, trying again is safe
 * - `KV_OUTCOME_UNKNOWN`: no reply was received after a write was sent; it may or may not have been done
 * - `KV_TIMEOUT`: gave up waiting for its turn, for a lock, or for others to leave an entry alone; nothing was changed
 * - `KV_DENIED`: permission denied
 * - `KV_FULL`: the disk or the server's memory is full
 * - `KV_READ_ONLY`: the disk or the server takes no writes
 * - `KV_CORRUPT`: the stored entry is damaged; `set` heals it, `delete` removes it
 * - `KV_CLOSED`: the store or registry was closed
 * - `KV_NO_NAMESPACE`: the operation needs a namespace, and the store was opened without one
 * - `KV_NOT_AN_INTEGER`: `increment` met text that is no integer, or would leave the safe integers
 * - `KV_INVALID_VALUE`: a codec or schema refused the value
 * - `KV_UNKNOWN_STORE`: the registry has no store of that name and no way to make one
 * - `KV_STORE_EXISTS`: the registry has a store of that name already
 * - `KV_FAILED`: anything else; see `cause`
 *
 * More codes may come: treat an unknown one like `KV_FAILED`.
 */
export type StoreErrorCode =
  | "KV_UNAVAILABLE"
  | "KV_OUTCOME_UNKNOWN"
  | "KV_TIMEOUT"
  | "KV_DENIED"
  | "KV_FULL"
  | "KV_READ_ONLY"
  | "KV_CORRUPT"
  | "KV_CLOSED"
  | "KV_NO_NAMESPACE"
  | "KV_NOT_AN_INTEGER"
  | "KV_INVALID_VALUE"
  | "KV_UNKNOWN_STORE"
  | "KV_STORE_EXISTS"
  | "KV_FAILED";

// Registered globally, so that two copies of this package know each other's errors.
const brand = Symbol.for("@kv/core.StoreError");

export interface StoreErrorOptions extends ErrorOptions {
  /** The faults that a schema found, for `issues`. */
  readonly issues?: readonly SchemaIssue[] | undefined;
}

/** Every failure that is not a mistake in the call. No message and no cause holds a value, password or whole key. */
export class StoreError extends Error {
  override readonly name: string = "StoreError";
  /** Why it failed, for programs to act on. */
  readonly code: StoreErrorCode;

  /**
   * Of `KV_INVALID_VALUE`, what a schema found: its own words, which may quote the value. So they stand in no log by
   * themselves: neither a message nor `JSON.stringify` shows them.
   */
  declare readonly issues: readonly SchemaIssue[] | undefined;

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, options);
    this.code = code;
    if (options.issues !== undefined) Object.defineProperty(this, "issues", { value: options.issues });
  }
}

// On the prototype: a hundred thousand calls may fail in one go, and each has an error of its own.
Object.defineProperty(StoreError.prototype, brand, { value: true });

/**
 * Tells whether an error is a `StoreError`, of any copy of this package, and, where `code` is given, has that code.
 *
 * @example
 * ```ts
 * import { isStoreError } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const counters = memoryStore();
 * try {
 *   await counters.increment("visits");
 * } catch (error) {
 *   if (!isStoreError(error, "KV_NOT_AN_INTEGER")) throw error;
 *   await counters.delete("visits");
 * }
 * ```
 */
export function isStoreError<C extends StoreErrorCode = StoreErrorCode>(
  error: unknown,
  code?: C,
): error is StoreError & { readonly code: C } {
  return (
    typeof error === "object" &&
    error !== null &&
    brand in error &&
    (code === undefined || Reflect.get(error, "code") === code)
  );
}
