import { callerError, describeType } from "../errors/caller-error.ts";
import type { CreateOptions, GetOptions, IncrementOptions, ListOptions, SetOptions } from "../store/store.ts";
import { type Duration, durationMs } from "../time/duration.ts";
import { copyOf, utf8, type Value } from "../values/bytes.ts";
import type { DriverValue, Expiry } from "./driver.ts";

// Arguments of calls (S4, S5, T5, N3), checked in one place, for the portable store and for authors of a store of their own.
// Each check returns its argument in the form that a driver takes.

/** Checks a key: any well-formed string. */
export function checkKey(key: string): string {
  if (typeof key !== "string")
    throw callerError(new TypeError(`A key must be a string, not ${describeType(key)}.`));
  if (!key.isWellFormed()) throw loneSurrogate("A key");
  return key;
}

/** Checks the name of a namespace: any well-formed string of 1 to 255 bytes in UTF-8. */
export function checkName(name: string): string {
  if (typeof name !== "string") {
    throw callerError(new TypeError(`The name of a namespace must be a string, not ${describeType(name)}.`));
  }
  if (!name.isWellFormed()) throw loneSurrogate("The name of a namespace");
  const length = utf8(name).length;
  if (length < 1 || length > 255) {
    throw callerError(
      new RangeError(`The name of a namespace must have 1 to 255 bytes in UTF-8; this one has ${length}.`),
    );
  }
  return name;
}

/** Checks a value, and copies bytes, so that they are the driver's own (S3). */
export function checkValue(value: Value, what: string = "A value"): DriverValue {
  const borrowed = checkBorrowedValue(value, what);
  return typeof borrowed === "string" ? borrowed : copyOf(borrowed);
}

/** Checks a value and leaves it as it is: bytes stay the caller's, who may change them as soon as the call has returned. */
export function checkBorrowedValue(value: Value, what: string = "A value"): DriverValue {
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw loneSurrogate(what);
    return value;
  }
  if (value instanceof Uint8Array) return value;
  throw callerError(
    new TypeError(
      `${what} must be a string or a Uint8Array, not ${describeType(value)}. For other types see typed(store, json()).`,
    ),
  );
}

/** Returns in how many milliseconds an entry expires: `Infinity` where `expiresIn` is not given. */
export function checkExpiresIn(options: CreateOptions | undefined): number {
  if (options === undefined) return Number.POSITIVE_INFINITY;
  checkOptions(options, createOptions);
  return expiresInMs(options.expiresIn);
}

/** Returns the expiry that `set` and `compareAndSet` give an entry (T2). */
export function checkExpiry(options: SetOptions | undefined): Expiry {
  if (options === undefined) return Number.POSITIVE_INFINITY;
  checkOptions(options, setOptions);
  const { expiresIn, keepExpiry } = options as { expiresIn?: Duration; keepExpiry?: boolean };
  if (keepExpiry !== undefined && typeof keepExpiry !== "boolean") {
    throw callerError(new TypeError(`keepExpiry must be true or false, not ${describeType(keepExpiry)}.`));
  }
  if (keepExpiry !== true) return expiresInMs(expiresIn);
  if (expiresIn === undefined) return "keep";
  throw callerError(new TypeError("expiresIn and keepExpiry exclude each other: pass one of them."));
}

/** Returns by how many milliseconds from now a renewal moves the expiry; `undefined` where none is asked for. */
export function checkRenewFor(options: GetOptions | undefined): number | undefined {
  if (options === undefined) return undefined;
  checkOptions(options, getOptions);
  return options.renewFor === undefined ? undefined : durationMs(options.renewFor, "renewFor");
}

/** Returns what `increment` adds, and in how many milliseconds an entry that it creates expires. */
export function checkIncrement(options: IncrementOptions | undefined): { by: number; expiresInMs: number } {
  if (options === undefined) return { by: 1, expiresInMs: Number.POSITIVE_INFINITY };
  checkOptions(options, incrementOptions);
  const { by = 1, expiresIn } = options;
  if (typeof by !== "number")
    throw callerError(new TypeError(`by must be a number, not ${describeType(by)}.`));
  if (!Number.isSafeInteger(by)) throw callerError(new RangeError(`by must be a safe integer, not ${by}.`));
  return {
    by: by === 0 ? 0 : by, // -0 is 0
    expiresInMs: expiresInMs(expiresIn),
  };
}

/** Checks the keys of a batch. */
export function checkKeys(keys: Iterable<string>): string[] {
  const checked: string[] = [];
  for (const key of checkIterable(keys, "keys")) checked.push(checkKey(key));
  return checked;
}

/** Checks the entries of a batch. Returns each key once, with its last value. */
export function checkEntries(
  entries: Iterable<readonly [key: string, value: Value]>,
  take: (value: Value) => DriverValue = checkValue,
): Map<string, DriverValue> {
  const checked = new Map<string, DriverValue>();
  for (const entry of checkIterable(entries, "entries")) {
    if (!Array.isArray(entry) || entry.length !== 2) {
      throw callerError(new TypeError(`An entry must be a pair [key, value], not ${describeType(entry)}.`));
    }
    const [key, value] = entry as [string, Value];
    checked.set(checkKey(key), take(value));
  }
  return checked;
}

/** Checks the prefix of a listing; empty for all keys. */
export function checkPrefix(options: ListOptions | undefined): string {
  if (options === undefined) return "";
  checkOptions(options, listOptions);
  const { prefix = "" } = options;
  if (typeof prefix !== "string") {
    throw callerError(new TypeError(`prefix must be a string, not ${describeType(prefix)}.`));
  }
  if (!prefix.isWellFormed()) throw loneSurrogate("A prefix");
  return prefix;
}

const listOptions: readonly string[] = ["prefix"];
const getOptions: readonly string[] = ["renewFor"];
const createOptions: readonly string[] = ["expiresIn"];
const setOptions: readonly string[] = ["expiresIn", "keepExpiry"];
const incrementOptions: readonly string[] = ["by", "expiresIn"];

/**
 * Checks the names of options: a misspelt one would otherwise be passed over, and an entry that was meant to expire be
 * stored for ever.
 */
export function checkOptions(options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    throw callerError(
      new TypeError(`Options must be an object, like { ${known[0]}: ... }, not ${describeType(options)}.`),
    );
  }
  for (const name in options) {
    if (!known.includes(name)) {
      throw callerError(
        new TypeError(`There is no option ${JSON.stringify(name)} here. Known: ${known.join(", ")}.`),
      );
    }
  }
}

function expiresInMs(expiresIn: Duration | undefined): number {
  return expiresIn === undefined ? Number.POSITIVE_INFINITY : durationMs(expiresIn, "expiresIn");
}

function checkIterable<T>(items: Iterable<T>, what: string): Iterable<T> {
  // A string is an iterable of strings, but whoever passes one means one key.
  if (typeof items === "object" && items !== null && Symbol.iterator in items) return items;
  throw callerError(
    new TypeError(`The ${what} must be an iterable, like an array, not ${describeType(items)}.`),
  );
}

function loneSurrogate(what: string): TypeError {
  return callerError(
    new TypeError(
      `${what} holds a lone surrogate (half a character), which has no UTF-8. See String.prototype.toWellFormed.`,
    ),
  );
}
