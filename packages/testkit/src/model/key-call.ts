import { type FullStore, isStoreError } from "@kv/core";
import { inspect } from "../support/inspect.ts";

/** When an entry expires: so many milliseconds from now, never, or with the entry that it replaces. */
export type CallExpiry = number | "never" | "keep";

/** A call that concerns one key. Values are text. */
export type KeyCall = { readonly key: string } & (
  | { readonly kind: "get" | "delete" | "exists" | "expiresIn" | "take" }
  | { readonly kind: "touch" | "getAndRenew"; readonly renewForMs: number }
  | { readonly kind: "set"; readonly value: string; readonly expiry: CallExpiry }
  | { readonly kind: "setIfAbsent"; readonly value: string; readonly expiry: number | "never" }
  | { readonly kind: "increment"; readonly by: number; readonly expiry: number | "never" }
  | {
      readonly kind: "compareAndSet";
      readonly expected: string;
      readonly value: string;
      readonly expiry: CallExpiry;
    }
  | { readonly kind: "compareAndDelete"; readonly expected: string }
);

/** The answer of a call. Times stand apart, since they go on. */
export interface KeyAnswer {
  readonly answer: string | number | boolean | undefined;
  /** `Infinity` for never; `undefined` where the call tells no time. */
  readonly leftMs: number | undefined;
}

export const notAnInteger = "KV_NOT_AN_INTEGER";

/** Makes the call synchronously, and resolves with its answer. */
export async function makeKeyCall(store: FullStore, call: KeyCall): Promise<KeyAnswer> {
  const { key } = call;
  switch (call.kind) {
    case "get":
      return plain(textOf(await store.get(key)));
    case "getAndRenew":
      return plain(textOf(await store.get(key, { renewFor: { milliseconds: call.renewForMs } })));
    case "touch":
      return plain(await store.touch(key, { milliseconds: call.renewForMs }));
    case "delete":
      return plain(await store.delete(key));
    case "exists":
      return plain(await store.exists(key));
    case "expiresIn": {
      const seconds = await store.expiresIn(key);
      return { answer: seconds !== undefined, leftMs: seconds === undefined ? undefined : seconds * 1_000 };
    }
    case "set":
      return plain(await store.set(key, call.value, setOptions(call.expiry)));
    case "setIfAbsent":
      return plain(await store.setIfAbsent(key, call.value, createOptions(call.expiry)));
    case "increment":
      return await increment(store, key, call.by, call.expiry);
    case "compareAndSet":
      return plain(await store.compareAndSet(key, call.expected, call.value, setOptions(call.expiry)));
    case "take":
      return plain(textOf(await store.take(key)));
    default:
      return plain(await store.compareAndDelete(key, call.expected));
  }
}

/** A call in one line. */
export function inspectCall({ kind, key, ...rest }: KeyCall): string {
  return `${kind}(${inspect(key)}${Object.keys(rest).length === 0 ? "" : `, ${inspect(rest)}`})`;
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

export function setOptions(
  expiry: CallExpiry,
): { expiresIn: { milliseconds: number } } | { keepExpiry: true } | object {
  return expiry === "keep" ? { keepExpiry: true as const } : createOptions(expiry);
}

async function increment(
  store: FullStore,
  key: string,
  by: number,
  expiry: number | "never",
): Promise<KeyAnswer> {
  try {
    const { value, expiresIn } = await store.increment(key, { by, ...createOptions(expiry) });
    return { answer: value, leftMs: expiresIn * 1_000 };
  } catch (error) {
    if (isStoreError(error, notAnInteger)) return plain(notAnInteger);
    throw error;
  }
}

function createOptions(expiry: number | "never"): { expiresIn?: { milliseconds: number } } {
  return expiry === "never" ? {} : { expiresIn: { milliseconds: expiry } };
}

function plain(answer: string | boolean | undefined | void): KeyAnswer {
  return { answer: answer ?? undefined, leftMs: undefined };
}
