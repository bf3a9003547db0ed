const mistakes = new WeakSet<Error>();

/** Marks an error as the caller's mistake (E1): it reaches the caller as it is, not as a `StoreError`. */
export function mistake<E extends TypeError | RangeError>(error: E): E {
  mistakes.add(error);
  return error;
}

export function isMistake(error: unknown): boolean {
  return error instanceof Error && mistakes.has(error);
}

/** How an error names the type of what it was given, without showing the value itself (E2). */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return value === undefined ? "undefined" : `a ${typeof value}`;
  return `an object of ${Object.getPrototypeOf(value)?.constructor?.name ?? "no"} type`;
}
