import keyvTestSuite, { keyvIteratorTests } from "@keyv/test-suite";
import { type OpenBackend, testBackends } from "@kv/test-backends";
import { Keyv } from "keyv";
import * as vitest from "vitest";
import { keyvStore } from "../src/index.ts";

// Keyv's own tests of storage adapters, as they are published.

vitest.describe.each(testBackends)("Keyv's test suite on $name", ({ open }) => {
  let backend: OpenBackend;
  vitest.beforeAll(async () => {
    backend = await open();
  });
  vitest.afterAll(() => backend.stop());

  const store = () => keyvStore(backend.store);
  vitest.describe("API, values, namespaces", () => keyvTestSuite(vitest, Keyv, store));
  vitest.describe("iterator", () => keyvIteratorTests(vitest, Keyv, store));
});
