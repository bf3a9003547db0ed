import type { Bytes, Duration, GetOptions, SetOptions, Value } from "@kv/core";
import { checkExpiry, checkRenewFor, durationMs, utf8 } from "@kv/core/driver";

// Our options are nothing that a library knows, so @kv/core reads them. Keys, names and values go through unchecked.

/** Returns the lifetime of an entry as the libraries are told it: in milliseconds, `undefined` for one without end. */
export function lifetimeMs(duration: Duration): number | undefined {
  return endless(durationMs(duration, "renewFor"));
}

/** Reads the options of `set`: the lifetime as above, or `"keep"`. */
export function lifetimeIn(options: SetOptions | undefined): number | "keep" | undefined {
  const expiry = checkExpiry(options);
  return expiry === "keep" ? expiry : endless(expiry);
}

/** Reads the options of `get`. */
export function renewalIn(options: GetOptions | undefined): Duration | undefined {
  return checkRenewFor(options) === undefined ? undefined : options?.renewFor;
}

/** Gives bytes as the Buffer over them, and all else as it is. */
export function stored(value: Value): Value {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}

/** Gives text as bytes, JSON's form of a Buffer as the bytes that it lists, and all else as it is. */
export function found(value: unknown): Bytes | undefined {
  if (typeof value === "string") return utf8(value);
  if (isBufferInJson(value)) return Uint8Array.from(value.data);
  return (value as Bytes | null) ?? undefined;
}

function endless(ms: number): number | undefined {
  return ms === Number.POSITIVE_INFINITY ? undefined : ms;
}

/** Knows the form that `JSON.stringify` gives to a Buffer. */
function isBufferInJson(value: unknown): value is { readonly data: readonly number[] } {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer";
}
