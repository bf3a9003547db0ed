const callerErrors = new WeakSet<Error>();

/** Marks an error as the caller's mistake (E1): it reaches the caller as it is, not as a `StoreError`. */
export function callerError<E extends TypeError | RangeError>(error: E): E {
  callerErrors.add(error);
  return error;
}

/** Tells whether an error is the caller's mistake. */
export function isCallerError(error: unknown): boolean {
  return error instanceof Error && callerErrors.has(error);
}

/** Names the type of a value for an error message, without showing the value itself (E2). */
export function describeType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return value === undefined ? "undefined" : `a ${typeof value}`;
  return `an object of ${Object.getPrototypeOf(value)?.constructor?.name ?? "no"} type`;
}
