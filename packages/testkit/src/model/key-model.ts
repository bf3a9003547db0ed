import type { CallExpiry, KeyCall } from "./key-call.ts";
import { type CallAnswer, notAnInteger } from "./store-call.ts";

/** The state of a key by the contract: nothing, or a value with its end by the model's clock. */
export type KeyState = { readonly value: string; readonly expiresAtMs: number } | undefined;

/** What a call gives and leaves. */
export interface CallEffect {
  readonly state: KeyState;
  readonly answer: CallAnswer;
}

/** Returns what a call gives and leaves by the contract. */
export function applyKeyCall(before: KeyState, call: KeyCall, nowMs: number): CallEffect {
  const state = before !== undefined && before.expiresAtMs <= nowMs ? undefined : before;
  const is = (answer: CallAnswer["answer"], after: KeyState = state): CallEffect => effect(after, answer);
  const write = (value: string, expiry: CallExpiry): KeyState => ({
    value,
    expiresAtMs: expiry === "keep" ? (state?.expiresAtMs ?? Number.POSITIVE_INFINITY) : endOf(expiry, nowMs),
  });

  switch (call.kind) {
    case "get":
      return is(state?.value);
    case "exists":
      return is(state !== undefined);
    case "expiresIn":
      return effect(state, state !== undefined, state && state.expiresAtMs - nowMs);
    case "touch":
      return is(state !== undefined, renew(state, nowMs + call.renewForMs));
    case "getAndRenew":
      return is(state?.value, renew(state, nowMs + call.renewForMs));
    case "delete":
      return effect(undefined, state !== undefined);
    case "take":
      return effect(undefined, state?.value);
    case "set":
      return is(undefined, write(call.value, call.expiry));
    case "setIfAbsent":
      return state === undefined ? is(true, write(call.value, call.expiry)) : is(false);
    case "compareAndSet":
      return state?.value === call.expected ? is(true, write(call.value, call.expiry)) : is(false);
    case "compareAndDelete":
      return state?.value === call.expected ? effect(undefined, true) : is(false);
    default: {
      const sum = sumOf(state?.value, call.by);
      if (sum === undefined) return is(notAnInteger);
      const after = write(String(sum), state === undefined ? call.expiry : "keep");
      return effect(after, sum, after && after.expiresAtMs - nowMs);
    }
  }
}

function effect(state: KeyState, answer: CallAnswer["answer"], leftMs?: number): CallEffect {
  return { state, answer: { answer, leftMs } };
}

function renew(state: KeyState, expiresAtMs: number): KeyState {
  return state === undefined || state.expiresAtMs === Number.POSITIVE_INFINITY
    ? state
    : { ...state, expiresAtMs };
}

function endOf(expiry: number | "never", nowMs: number): number {
  return expiry === "never" ? Number.POSITIVE_INFINITY : nowMs + expiry;
}

const decimalInteger = /^(?:0|-?[1-9][0-9]*)$/;
const largest = BigInt(Number.MAX_SAFE_INTEGER);

/** A1, counted here and not by core, whose code may be what is under test. `undefined` where the rule refuses. */
function sumOf(value: string | undefined, by: number): number | undefined {
  if (value !== undefined && !decimalInteger.test(value)) return undefined;
  const old = BigInt(value ?? "0");
  const sum = old + BigInt(by);
  return isSafe(old) && isSafe(sum) ? Number(sum) : undefined;
}

function isSafe(integer: bigint): boolean {
  return integer >= -largest && integer <= largest;
}
