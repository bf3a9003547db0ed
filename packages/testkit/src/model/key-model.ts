import { isStoreError } from "@kv/core";
import { addToInteger } from "@kv/core/driver";
import { type CallExpiry, type KeyAnswer, type KeyCall, notAnInteger } from "./key-call.ts";

/** The state of a key by the contract: nothing, or a value with its end by the model's clock. */
export type KeyState = { readonly value: string; readonly expiresAtMs: number } | undefined;

export interface Applied {
  readonly state: KeyState;
  readonly answer: KeyAnswer;
}

/** Returns what a call gives and leaves by the contract. */
export function applyKeyCall(before: KeyState, call: KeyCall, nowMs: number): Applied {
  const state = before !== undefined && before.expiresAtMs <= nowMs ? undefined : before;
  const is = (answer: KeyAnswer["answer"], after: KeyState = state): Applied => applied(after, answer);
  const written = (value: string, expiry: CallExpiry): KeyState => ({
    value,
    expiresAtMs: expiry === "keep" ? (state?.expiresAtMs ?? Number.POSITIVE_INFINITY) : endOf(expiry, nowMs),
  });

  switch (call.kind) {
    case "get":
      return is(state?.value);
    case "exists":
      return is(state !== undefined);
    case "expiresIn":
      return applied(state, state !== undefined, state && state.expiresAtMs - nowMs);
    case "touch":
      return is(state !== undefined, renewed(state, nowMs + call.renewForMs));
    case "getAndRenew":
      return is(state?.value, renewed(state, nowMs + call.renewForMs));
    case "delete":
      return applied(undefined, state !== undefined);
    case "take":
      return applied(undefined, state?.value);
    case "set":
      return is(undefined, written(call.value, call.expiry));
    case "setIfAbsent":
      return state === undefined ? is(true, written(call.value, call.expiry)) : is(false);
    case "compareAndSet":
      return state?.value === call.expected ? is(true, written(call.value, call.expiry)) : is(false);
    case "compareAndDelete":
      return state?.value === call.expected ? applied(undefined, true) : is(false);
    default: {
      const sum = sumOf(state?.value, call.by);
      if (sum === notAnInteger) return is(notAnInteger);
      const after = written(String(sum), state === undefined ? call.expiry : "keep");
      return applied(after, sum, after && after.expiresAtMs - nowMs);
    }
  }
}

function applied(state: KeyState, answer: KeyAnswer["answer"], leftMs?: number): Applied {
  return { state, answer: { answer, leftMs } };
}

function renewed(state: KeyState, expiresAtMs: number): KeyState {
  return state === undefined || state.expiresAtMs === Number.POSITIVE_INFINITY
    ? state
    : { ...state, expiresAtMs };
}

function endOf(expiry: number | "never", nowMs: number): number {
  return expiry === "never" ? Number.POSITIVE_INFINITY : nowMs + expiry;
}

function sumOf(value: string | undefined, by: number): number | typeof notAnInteger {
  try {
    return addToInteger(value, by);
  } catch (error) {
    if (isStoreError(error, notAnInteger)) return notAnInteger;
    throw error;
  }
}
