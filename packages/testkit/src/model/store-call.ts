import { type FullStore, isStoreError } from "@kv/core";
import { inspect } from "../support/inspect.ts";
import { type CallExpiry, type KeyCall, textOf } from "./key-call.ts";

/** A call that concerns many keys: a batch, or `deleteAll`. */
export type ManyKeysCall =
  | { readonly kind: "getMany" | "deleteMany"; readonly keys: readonly string[] }
  | {
      readonly kind: "setMany";
      readonly entries: readonly (readonly [key: string, value: string])[];
      readonly expiry: CallExpiry;
    }
  | { readonly kind: "deleteAll" };

/** A call on one namespace of a store. */
export type StoreCall = KeyCall | ManyKeysCall;

/** The answer of a call. Times stand apart, since they go on. */
export interface CallAnswer {
  /**
   * The answer, with bytes as text. For `expiresIn` it tells whether there is an entry; for `increment` it is the value, or
   * `KV_NOT_AN_INTEGER` where it was refused.
   */
  readonly answer: string | number | boolean | undefined | readonly (string | undefined)[];
  /** The time left, for `expiresIn` and `increment`. `Infinity` for never; `undefined` where the call tells no time. */
  readonly leftMs: number | undefined;
}

export const notAnInteger = "KV_NOT_AN_INTEGER";

/** Makes the call synchronously, and resolves with its answer. */
export async function makeCall(store: FullStore, call: StoreCall): Promise<CallAnswer> {
  const [method, args] = spellCall(call);
  let answer: unknown;
  try {
    answer = await (store[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
  } catch (error) {
    if (call.kind === "increment" && isStoreError(error, notAnInteger)) return toldNoTime(notAnInteger);
    throw error;
  }
  switch (call.kind) {
    case "set":
    case "setMany":
    case "deleteAll":
      return toldNoTime(undefined);
    case "get":
    case "getAndRenew":
    case "take":
      return toldNoTime(textOf(answer));
    case "getMany":
      return toldNoTime((answer as readonly unknown[]).map(textOf));
    case "expiresIn":
      return { answer: answer !== undefined, leftMs: answer === undefined ? undefined : msOf(answer) };
    case "increment": {
      const { value, expiresIn } = answer as { readonly value: number; readonly expiresIn: number };
      return { answer: value, leftMs: msOf(expiresIn) };
    }
    default:
      return toldNoTime(answer as CallAnswer["answer"]);
  }
}

/** The same answer, of a call that tells no time. */
export function toldNoTime(answer: CallAnswer["answer"]): CallAnswer {
  return { answer, leftMs: undefined };
}

/** Writes a call as its caller would: `set("a", "1", { expiresIn: "30m" })`. */
export function inspectCall(call: StoreCall): string {
  const [method, args] = spellCall(call);
  return `${method}(${args.map(inspect).join(", ")})`;
}

/** Writes the answer of a call as it came. */
export function inspectAnswer(call: StoreCall, { answer, leftMs }: CallAnswer): string {
  const seconds = leftMs === undefined ? undefined : leftMs / 1_000;
  if (call.kind === "expiresIn") return inspect(seconds);
  if (answer === notAnInteger) return `a rejection with ${notAnInteger}`;
  return inspect(call.kind === "increment" ? { value: answer, expiresIn: seconds } : answer);
}

/** Returns the calls on single keys that a call consists of. Those of a `deleteAll` are not known. */
export function keyCallsOf(call: StoreCall): KeyCall[] {
  switch (call.kind) {
    case "getMany":
      return call.keys.map((key) => ({ kind: "get", key }));
    case "deleteMany":
      return [...new Set(call.keys)].map((key) => ({ kind: "delete", key }));
    case "setMany":
      // Of a key given twice the last value counts (S5).
      return [...new Map(call.entries)].map(([key, value]) => ({
        kind: "set",
        key,
        value,
        expiry: call.expiry,
      }));
    case "deleteAll":
      return [];
    default:
      return [call];
  }
}

type Method = Extract<keyof FullStore, string>;

/** The method and the arguments of a call. */
function spellCall(call: StoreCall): readonly [method: Method, args: readonly unknown[]] {
  switch (call.kind) {
    case "getAndRenew":
      return ["get", [call.key, { renewFor: durationText(call.renewForMs) }]];
    case "touch":
      return ["touch", [call.key, durationText(call.renewForMs)]];
    case "set":
      return ["set", [call.key, call.value, ...optionsOf(call.expiry)]];
    case "setIfAbsent":
      return ["setIfAbsent", [call.key, call.value, ...optionsOf(call.expiry)]];
    case "increment":
      return ["increment", [call.key, ...optionsOf(call.expiry, call.by === 1 ? {} : { by: call.by })]];
    case "compareAndSet":
      return ["compareAndSet", [call.key, call.expected, call.value, ...optionsOf(call.expiry)]];
    case "compareAndDelete":
      return ["compareAndDelete", [call.key, call.expected]];
    case "getMany":
    case "deleteMany":
      return [call.kind, [call.keys]];
    case "setMany":
      return ["setMany", [call.entries, ...optionsOf(call.expiry)]];
    case "deleteAll":
      return ["deleteAll", []];
    default:
      return [call.kind, [call.key]];
  }
}

/** The last argument of a call, or none. */
function optionsOf(expiry: CallExpiry, others: object = {}): object[] {
  if (expiry === "keep") return [{ keepExpiry: true }];
  const options = expiry === "never" ? others : { ...others, expiresIn: durationText(expiry) };
  return Object.keys(options).length === 0 ? [] : [options];
}

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const;

function durationText(ms: number): string {
  const unit = (["d", "h", "m", "s"] as const).find((each) => ms % unitMs[each] === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unitMs[unit]}${unit}`;
}

function msOf(seconds: unknown): number {
  return typeof seconds === "number" ? seconds * 1_000 : Number.NaN;
}
