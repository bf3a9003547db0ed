import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { fileStore } from "@kv/file";
import { afterAll, describe, expect, test } from "vitest";
import { newIdentity } from "../src/identity.ts";
import { entryKey, layoutOf, placeOf } from "../src/layout.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe("S7 a lock whose text a power cut has damaged", () => {
  const identity = newIdentity({ dev: 0, ino: 0 });
  test.each([
    ["empty", ""],
    ["zeros", "\0".repeat(identity.length)],
    ["cut off", identity.slice(0, 11)],
    ["cut off, then zeros", identity.slice(0, 11).padEnd(identity.length, "\0")],
  ])("%s: holds up no call, and deleteExpired removes it", async (_, text) => {
    const { path } = newDirectory(parent);
    const store = fileStore({ directory: path, timeout: "3s" });
    await store.set("kept", "1");
    const { data, locks, owners } = layoutOf(path);
    mkdirSync(`${owners}/${identity}`);
    writeFileSync(`${owners}/${identity}/id`, text);
    for (const key of ["key", "other"]) {
      writeFileSync(`${locks}/${entryKey(placeOf(data, []), key).hash}`, text);
    }
    await store.set("key", "1");
    expect(await store.exists("key")).toBe(true);
    await store.deleteExpired();
    expect(readdirSync(locks)).toEqual([]);
    await store.close();
  });
});
