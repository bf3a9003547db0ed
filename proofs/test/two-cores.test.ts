import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { consumer, run } from "./consumer.ts";

// npm gives a backend a core of its own where its range and the application's do not meet.

const program = `
import assert from "node:assert/strict";
import * as core from "@kv/core";
import { memoryStore } from "@kv/memory";
import * as inner from "./node_modules/@kv/memory/node_modules/@kv/core/dist/index.js";

assert.notEqual(core.StoreError, inner.StoreError); // two copies indeed

const root = memoryStore();
const stores = new core.StoreRegistry({ root });
const store = stores.get("sessions");
await store.set("hits", "many");

// An error of one copy is known to the other, and a mistake stays a TypeError.
const failure = await store.increment("hits").catch((error) => error);
assert(failure instanceof inner.StoreError && !(failure instanceof core.StoreError));
assert(core.isStoreError(failure, "KV_NOT_AN_INTEGER"));
assert(inner.isStoreError(new core.StoreError("KV_FAILED", "made by the other")));
await assert.rejects(store.set("k", 1), TypeError);

// Views, capabilities and integrations over a store of another copy, and a registry of another copy.
const users = core.typed(store, core.json());
await users.withNamespace("users").set("ada", { name: "Ada" }, { expiresIn: "1m" });
assert.deepEqual(await users.withNamespace("users").get("ada"), { name: "Ada" });
await assert.rejects(core.typed(store, core.json()).get("hits"), (error) =>
  inner.isStoreError(error, "KV_INVALID_VALUE"));
assert(core.hasCapability(store, "atomic"));
const needs = { name: "rate_limit", capabilities: ["atomic", "namespaces"], purpose: "A rate limit" };
assert.equal(inner.findStore(stores, needs), stores.get("rate_limit"));
assert.equal(core.findStore(store, needs), store);

// Cache-aside: one computation for all, whichever copy and whichever handle of the namespace they come by.
let computed = 0;
const compute = async () => {
  computed += 1;
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { name: "Bob" };
};
const calls = [core, inner].flatMap(({ getOrSet, typed, json }) =>
  [undefined, "10s"].map((lockFor) =>
    getOrSet(typed(root.withNamespace("cache"), json()), "bob", compute, { expiresIn: "1m", lockFor })));
assert.deepEqual(await Promise.all(calls), Array(4).fill({ name: "Bob" }));
assert.equal(computed, 1);

// The end of the registry is the end of the store, by either name.
await stores.close();
const late = await root.get("k").catch((error) => error);
assert(core.isStoreError(late, "KV_CLOSED"));
await assert.rejects(async () => stores.get("sessions"), (error) => inner.isStoreError(error, "KV_CLOSED"));
console.log("no harm");
`;

test("two versions of core side by side do no harm", { timeout: 300_000 }, async () => {
  const folder = await consumer("@kv/memory");
  const [outer, inner] = ["@kv/core", "@kv/memory/node_modules/@kv/core"].map((name) =>
    join(folder, "node_modules", name),
  ) as [string, string];
  await cp(outer, inner, { recursive: true });
  const manifest = JSON.parse(await readFile(join(inner, "package.json"), "utf8")) as object;
  await writeFile(join(inner, "package.json"), JSON.stringify({ ...manifest, version: "9.9.9" }));
  await writeFile(join(folder, "program.mjs"), program);
  const { stdout } = await run(process.execPath, ["program.mjs"], { cwd: folder });
  expect(stdout).toBe("no harm\n");
});
