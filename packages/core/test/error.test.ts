import { expect, test } from "vitest";
import { describeType } from "../src/errors/caller-error.ts";
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

test.each([
  [null, "null"],
  [undefined, "undefined"],
  [[1], "an array"],
  [5n, "a bigint"],
  [new Map(), "an object of Map type"],
  [Object.create(null), "an object of no type"],
  [Object.create(Object.create(null) as object), "an object of no type"],
])("E2 the type of %o is described as %s", (value: unknown, described) => {
  expect(describeType(value)).toBe(described);
});

test.each([undefined, null, "KV_FULL", new Error("KV_FULL"), { code: "KV_FULL" }])(
  "E1 %s is no StoreError",
  (other) => {
    expect(isStoreError(other)).toBe(false);
  },
);
