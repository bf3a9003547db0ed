import { type Answer, after } from "../concurrency/answer.ts";
import { describeType } from "../errors/caller-error.ts";
import type { SchemaIssue } from "../errors/schema-issue.ts";
import { StoreError } from "../errors/store-error.ts";
import type { Bytes, Value } from "./bytes.ts";
import { unfaithfulPart } from "./json-faithful.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** Turns values of `T` into what a store keeps, and back. Both directions may reject with `KV_INVALID_VALUE`. */
export interface Codec<T> {
  /** Makes of a value what a store keeps, synchronously or with a promise. */
  encode(value: T): Answer<Value>;
  /** Makes a value of what a store kept: bytes that are its own from then on. */
  decode(bytes: Bytes): Answer<T>;
}

/** The codec of values that stay as they are: `bytes`. */
export interface BytesCodec extends Codec<Bytes> {
  /** Tells it from a codec that encrypts or compresses bytes. */
  readonly isBytes: true;
}

/**
 * Takes and gives values as they are.
 *
 * @example
 * ```ts
 * import { bytes, declareStores, text } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const stores = declareStores({ avatars: bytes, names: text }, { root: memoryStore() });
 * await stores.get("avatars").set("ada", new Uint8Array([137, 80, 78, 71]));
 * ```
 */
export const bytes: BytesCodec = {
  isBytes: true,
  encode: (value) => value,
  decode: (stored) => stored,
};

export function isBytesCodec(codec: object): boolean {
  return "isBytes" in codec && codec.isBytes === true;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Writes strings as UTF-8. `KV_INVALID_VALUE` for stored bytes that are no UTF-8.
 *
 * @example
 * ```ts
 * import { text, typed } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const names = typed(memoryStore(), text);
 * await names.set("ada", "Ada Lovelace");
 * ```
 */
export const text: Codec<string> = {
  encode: (value) => value,
  decode: textOf,
};

/**
 * Writes values as JSON, and refuses what would come back as something else: a `Date`, a `Map`, a typed array, `NaN`, a
 * function, `undefined` in an array, and whatever else is no plain data (a class with a `toJSON` of its own says itself
 * what it becomes; a property that is `undefined` is left out). With a schema, values are checked on the way in and on the
 * way out; it must accept what it gives.
 *
 * `KV_INVALID_VALUE` for such a value, for stored bytes that are no JSON, and for what the schema refuses. Its message
 * names the places, never the values; `issues` of the error are what the schema said.
 *
 * A schema that answers with a promise delays the call: it then no longer takes its place in the order of calls.
 *
 * @example
 * ```ts
 * import { json, typed } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const carts = typed(memoryStore(), json<{ items: string[] }>());
 * await carts.set("ada", { items: ["a book"] });
 * console.log((await carts.get("ada"))?.items);
 * ```
 */
export function json<T>(): Codec<T>;
export function json<Output extends Input, Input = Output>(
  schema: StandardSchema<Input, Output>,
): Codec<Output>;
export function json<T>(schema?: StandardSchema<T>): Codec<T> {
  if (schema === undefined) return { encode: exactJsonOf, decode: (stored) => fromJson(stored) as T };
  return {
    encode: (value) => after(checked(schema, value), exactJsonOf),
    decode: (stored) => checked(schema, fromJson(stored)),
  };
}

/** Writes values as `JSON.stringify` does, so a `Date` becomes a text: for frameworks whose own stores do so. */
export function lenientJson<T>(): Codec<T> {
  return { encode: jsonOf, decode: (stored) => fromJson(stored) as T };
}

function textOf(stored: Uint8Array): string {
  try {
    return decoder.decode(stored);
  } catch {
    // The decoder's own error says nothing more.
    throw new StoreError("KV_INVALID_VALUE", "The stored bytes are not UTF-8.");
  }
}

function exactJsonOf(value: unknown): string {
  const encoded = jsonOf(value);
  const change = unfaithfulPart(value);
  if (change === undefined) return encoded;
  throw new StoreError(
    "KV_INVALID_VALUE",
    `The value cannot be written as JSON as it is: ${change}. Turn it into plain data first, or use a codec of your own.`,
  );
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
  throw new StoreError(
    "KV_INVALID_VALUE",
    `The value cannot be written as JSON: it is ${describeType(value)}.`,
  );
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
    const { issues } = result;
    throw new StoreError("KV_INVALID_VALUE", `The value does not fit its schema${placesOf(issues)}.`, {
      issues,
    });
  });
}

/** Names the places where a schema found fault. Its messages may quote the value, so they are left out (E2). */
function placesOf(issues: readonly SchemaIssue[]): string {
  const places = issues.map(({ path = [] }) =>
    path.map((step) => String(typeof step === "object" ? step.key : step)).join("."),
  );
  const named = [...new Set(places)].filter((place) => place !== "").slice(0, 10);
  return named.length === 0 ? "" : ` at ${named.join(", ")}`;
}
