import type { StoreError } from "@kv/core";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { expectRejects } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";

/**
 * Expects that a call rejects, as one must that cannot be carried out, and in a way that misleads nobody. Returns the error. An
 * answer breaks the rule of the case, an error that is not what it should be breaks E1.
 */
export async function expectFailure(call: () => Promise<unknown>, what: string): Promise<StoreError> {
  let error: StoreError;
  try {
    error = (await expectRejects(call, "a StoreError", what)) as StoreError;
  } catch (failure) {
    if (!(failure instanceof ExpectationError) || failure.cause === undefined) throw failure;
    throw new ExpectationError(failure.expected, failure.got, { rule: "E1", cause: failure.cause });
  }
  if (misleading.includes(error.code)) {
    throw new ExpectationError(`${what}: a code that says why it failed`, error.code, {
      rule: "E1",
      cause: error,
    });
  }
  return error;
}

const misleading: readonly string[] = [
  "KV_CLOSED",
  "KV_CORRUPT",
  "KV_NOT_AN_INTEGER",
  "KV_NO_NAMESPACE",
  "KV_INVALID_VALUE",
];

/** Tells whether an error says for certain that nothing was changed. */
export function wasNotDone(error: StoreError): boolean {
  return ["KV_UNAVAILABLE", "KV_TIMEOUT", "KV_DENIED", "KV_FULL", "KV_READ_ONLY"].includes(error.code);
}

/** Expects that none of these rejected. */
export function expectNoError(settled: readonly PromiseSettledResult<unknown>[]): void {
  for (const each of settled) {
    if (each.status === "rejected")
      throw new ExpectationError("an answer", inspect(each.reason), { cause: each.reason });
  }
}
