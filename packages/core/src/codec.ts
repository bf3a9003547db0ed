import type { Bytes } from "./bytes.ts";
import type { Answer } from "./driver.ts";
import { StoreError } from "./error.ts";
import type { SchemaIssue, StandardSchema } from "./standard-schema.ts";
import type { Value } from "./store.ts";

/** How values of `T` are turned into what a store keeps, and back. Both may reject with `KV_INVALID_VALUE`. */
export interface Codec<T> {
  encode(value: T): Answer<Value>;
  decode(bytes: Bytes): Answer<T>;
}

/** Values as they are. */
export const bytes: Codec<Bytes> = {
  encode: (value) => value,
  decode: (stored) => stored,
};

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Strings as UTF-8. `KV_INVALID_VALUE` for stored bytes that are no UTF-8. */
export const text: Codec<string> = {
  encode: (value) => value,
  decode: textOf,
};

/**
 * Values as JSON. With a schema, values are checked on the way in and on the way out; it must accept what it
 * gives. `KV_INVALID_VALUE` for what JSON cannot hold (`undefined`, a cycle, a bigint), for stored bytes that are
 * no JSON, and for what the schema refuses; its message names the places, never the values.
 *
 * A schema that answers with a promise delays the call: it then no longer takes its place in the order of calls.
 */
export function json<T>(): Codec<T>;
export function json<Output extends Input, Input = Output>(
  schema: StandardSchema<Input, Output>,
): Codec<Output>;
export function json<T>(schema?: StandardSchema<T>): Codec<T> {
  if (schema === undefined) return { encode: jsonOf, decode: (stored) => fromJson(stored) as T };
  return {
    encode: (value) => after(checked(schema, value), jsonOf),
    decode: (stored) => checked(schema, fromJson(stored)),
  };
}

/** `next` of an answer, at once where it was given at once. */
export function after<A, B>(answer: Answer<A>, next: (value: A) => Answer<B>): Answer<B> {
  return answer instanceof Promise ? answer.then(next) : next(answer);
}

function textOf(stored: Uint8Array): string {
  try {
    return decoder.decode(stored);
  } catch {
    // The decoder's own error says nothing more.
    throw new StoreError("KV_INVALID_VALUE", "The stored bytes are not UTF-8.");
  }
}

function jsonOf(value: unknown): string {
  let encoded: string | undefined;
  try {
    encoded = JSON.stringify(value);
  } catch (cause) {
    throw new StoreError("KV_INVALID_VALUE", "The value cannot be written as JSON; see the cause.", {
      cause,
    });
  }
  if (encoded !== undefined) return encoded;
  throw new StoreError("KV_INVALID_VALUE", `The value cannot be written as JSON: it is ${typeof value}.`);
}

function fromJson(stored: Uint8Array): unknown {
  const encoded = textOf(stored);
  try {
    return JSON.parse(encoded);
  } catch {
    // The parser's own error quotes what it read (E2).
    throw new StoreError("KV_INVALID_VALUE", "The stored bytes are not JSON.");
  }
}

function checked<T>(schema: StandardSchema<unknown, T>, value: unknown): Answer<T> {
  return after(schema["~standard"].validate(value), (result) => {
    if (result.issues === undefined) return result.value;
    throw new StoreError("KV_INVALID_VALUE", `The value does not fit its schema${placesOf(result.issues)}.`);
  });
}

/** Where a schema found fault. Its messages may quote the value, so they are left out (E2). */
function placesOf(issues: readonly SchemaIssue[]): string {
  const places = issues.map(({ path = [] }) =>
    path.map((step) => String(typeof step === "object" ? step.key : step)).join("."),
  );
  const named = [...new Set(places)].filter((place) => place !== "").slice(0, 10);
  return named.length === 0 ? "" : ` at ${named.join(", ")}`;
}
