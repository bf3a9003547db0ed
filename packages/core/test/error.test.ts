import { expect, test } from "vitest";
import { isStoreError, StoreError } from "../src/index.ts";

test("E1 isStoreError knows an error, its code, and errors of another copy of core", async () => {
  const error = new StoreError("KV_FULL", "the disk is full");
  expect(isStoreError(error)).toBe(true);
  expect(isStoreError(error, "KV_FULL")).toBe(true);
  expect(isStoreError(error, "KV_DENIED")).toBe(false);

  const copyOfCore = "../src/errors/store-error.ts?copy";
  const copy = (await import(/* @vite-ignore */ copyOfCore)) as { StoreError: typeof StoreError };
  expect(copy.StoreError).not.toBe(StoreError);
  expect(isStoreError(new copy.StoreError("KV_CLOSED", "closed"), "KV_CLOSED")).toBe(true);
});

test.each([undefined, null, "KV_FULL", new Error("KV_FULL"), { code: "KV_FULL" }])(
  "E1 %s is no StoreError",
  (other) => {
    expect(isStoreError(other)).toBe(false);
  },
);
