import { type Bytes, isStoreError, type StoreErrorCode, type Value } from "@kv/core";
import { bytesOf, sameBytes } from "@kv/core/driver";
import { ExpectationError } from "../contract/expectation-error.ts";
import type { RuleId } from "../contract/rules.ts";
import { inFlight } from "./in-flight.ts";
import { inspect } from "./inspect.ts";

/** Expects this very thing, as `Object.is` tells; `what` names it. `rule` is the broken one, if it is not that of the case. */
export function expectSame(got: unknown, expected: unknown, what: string, rule?: RuleId): void {
  if (!Object.is(got, expected))
    throw new ExpectationError(`${what}: ${inspect(expected)}`, inspect(got), { rule });
}

/** Expects these bytes, in a Uint8Array; `undefined` stands for no entry. */
export function expectValue(
  got: Bytes | undefined,
  expected: Value | undefined,
  what: string,
  rule?: RuleId,
): void {
  if (expected === undefined) {
    expectSame(got, undefined, what, rule);
    return;
  }
  const bytes = bytesOf(expected);
  if (got instanceof Uint8Array && sameBytes(got, bytes)) return;
  throw new ExpectationError(
    `${what}: ${inspect(expected)}, that is ${inspect(bytes)}`,
    inspect(got) + firstDifference(got, bytes),
    { rule },
  );
}

export function expectValues(
  got: readonly (Bytes | undefined)[],
  expected: readonly (Value | undefined)[],
  what: string,
): void {
  if (!Array.isArray(got)) throw new ExpectationError(`${what}: an array`, inspect(got));
  expectSame(got.length, expected.length, `${what}: the number of values`);
  for (const [at, value] of expected.entries()) expectValue(got[at], value, `${what}: value ${at + 1}`);
}

/** The same things, in any order, each once. */
export function expectSameSet(got: readonly string[], expected: readonly string[], what: string): void {
  const sorted = [...got].toSorted();
  const wanted = [...expected].toSorted();
  if (sorted.length === wanted.length && sorted.every((item, at) => item === wanted[at])) return;
  const missing = wanted.filter((item) => !got.includes(item));
  const extra = sorted.filter((item) => !expected.includes(item));
  throw new ExpectationError(
    `${what}: ${inspect(wanted)}`,
    `${inspect(sorted)} (missing ${inspect(missing)}, not expected ${inspect(extra)})`,
  );
}

/** The same keys, each with its bytes. */
export function expectEntries(
  got: ReadonlyMap<string, Bytes>,
  expected: ReadonlyMap<string, Value>,
  what: string,
): void {
  expectSameSet([...got.keys()], [...expected.keys()], what);
  for (const [key, value] of expected)
    expectValue(got.get(key), value, `${what}, the value of ${inspect(key)}`);
}

/** A number of that range, both ends included. */
export function expectBetween(got: unknown, low: number, high: number, what: string): void {
  if (typeof got === "number" && got >= low && got <= high) return;
  throw new ExpectationError(`${what}: a number from ${low} to ${high}`, inspect(got));
}

export function expectTrue(truth: boolean, expected: string, got: string): void {
  if (!truth) throw new ExpectationError(expected, got);
}

/** The failure that is expected of a call: with one of these classes, or as a `StoreError` of that code. */
export type Failure =
  | "TypeError"
  | "RangeError"
  | "TypeError or RangeError"
  | StoreErrorCode
  | "a StoreError";

/** The call must reject, not throw, and in this way. Gives the error. */
export async function expectRejects(
  call: () => Promise<unknown>,
  failure: Failure,
  what: string,
): Promise<unknown> {
  let promise: Promise<unknown>;
  try {
    promise = inFlight(call());
  } catch (error) {
    throw new ExpectationError(
      `${what}: a promise that rejects with ${failure}`,
      `${inspect(error)}, thrown synchronously`,
      {
        cause: error,
      },
    );
  }
  return await failureOf(promise, failure, what);
}

/** Expects that the call throws synchronously, in this way. Returns the error. */
export async function expectThrows(call: () => unknown, failure: Failure, what: string): Promise<unknown> {
  return await failureOf(
    Promise.resolve().then(() => call()),
    failure,
    what,
  );
}

/** Tells whether an error is of that kind. */
function isFailure(error: unknown, failure: Failure): boolean {
  switch (failure) {
    case "TypeError":
      return error instanceof TypeError;
    case "RangeError":
      return error instanceof RangeError;
    case "TypeError or RangeError":
      return error instanceof TypeError || error instanceof RangeError;
    case "a StoreError":
      return isStoreError(error) && error.code.startsWith("KV_");
    default:
      return isStoreError(error, failure);
  }
}

async function failureOf(promise: Promise<unknown>, failure: Failure, what: string): Promise<unknown> {
  let answer: unknown;
  try {
    answer = await promise;
  } catch (error) {
    if (isFailure(error, failure)) return error;
    throw new ExpectationError(`${what}: ${failure}`, inspect(error), { cause: error });
  }
  throw new ExpectationError(`${what}: ${failure}`, `an answer: ${inspect(answer)}`);
}

function firstDifference(got: unknown, expected: Uint8Array): string {
  if (!(got instanceof Uint8Array)) return "";
  const at = expected.findIndex((byte, index) => byte !== got[index]);
  return ` (they differ from byte ${at === -1 ? expected.length : at})`;
}

/** Expects that an array lies over an ArrayBuffer that holds nothing else (S3). */
export function expectOwnBuffer(bytes: Uint8Array | undefined, what: string): void {
  const held = bytes?.buffer.byteLength;
  expectTrue(
    bytes instanceof Uint8Array && held === bytes.byteLength,
    `${what}: an array over an ArrayBuffer of its own length`,
    bytes === undefined ? "undefined" : `${bytes.byteLength} bytes over an ArrayBuffer of ${held}`,
  );
}
