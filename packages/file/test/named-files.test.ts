import { rmSync } from "node:fs";
import { isStoreError } from "@kv/core";
import { afterAll, expect, test } from "vitest";
import type { FileSystem } from "../src/disk/file-system.ts";
import { errno, faultyDisk } from "./injected-faults.ts";
import { outcomeOf, storeIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const failing: readonly (keyof FileSystem)[] = ["open", "read", "write", "sync", "stat", "link", "rename"];

test.each(failing)("E1 an error of the disk says at which file or directory it was: %s", async (name) => {
  const { path: directory } = newDirectory(parent);
  let fails = false;
  const disk = faultyDisk((call) => (fails && call.name === name ? errno("EIO", call) : undefined));
  const store = storeIn({ directory }, { disk });
  await store.set("large", "x".repeat(100_000), { expiresIn: "1h" });
  fails = true;
  let told = 0;
  for (const call of [
    () => store.get("large"),
    () => store.get("large", { renewFor: "1h" }),
    () => store.set("key", "1"),
    () => store.set("key", "x".repeat(3_000_000)),
  ]) {
    const outcome = await outcomeOf(call);
    if (!isStoreError(outcome)) continue;
    expect(outcome.message).toMatch(["sync", "stat"].includes(name) ? /was made|EIO/ : /EIO/);
    expect(outcome.message.slice(outcome.message.indexOf(": "))).toContain(`${directory}/`);
    told += 1;
  }
  fails = false;
  expect(told).toBeGreaterThan(0);
});
