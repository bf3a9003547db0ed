import type { StoreError } from "@kv/core";
import { expectRejects, expectTrue } from "../../support/expect.ts";

/** A call that cannot be carried out must reject, and in a way that misleads nobody. Gives the error. */
export async function expectFailure(call: () => Promise<unknown>, what: string): Promise<StoreError> {
  const error = (await expectRejects(call, "a StoreError", what)) as StoreError;
  const misleading = ["KV_CLOSED", "KV_CORRUPT", "KV_NOT_AN_INTEGER", "KV_NO_NAMESPACE", "KV_INVALID_VALUE"];
  expectTrue(!misleading.includes(error.code), `${what}: a code that says why it failed`, error.code);
  return error;
}

/** Tells whether an error says for certain that nothing was changed. */
export function wasNotDone(error: StoreError): boolean {
  return ["KV_UNAVAILABLE", "KV_TIMEOUT", "KV_DENIED", "KV_FULL", "KV_READ_ONLY"].includes(error.code);
}
