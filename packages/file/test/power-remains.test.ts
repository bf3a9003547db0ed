import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { entryKey, layoutOf, locateNamespace } from "../src/format/layout.ts";
import { newOwnerId } from "../src/ownership/owner-id.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe("S7 a lock whose text a power cut has damaged", () => {
  const ownerId = newOwnerId({ dev: 0, ino: 0 });
  test.each([
    ["empty", ""],
    ["zeros", "\0".repeat(ownerId.length)],
    ["cut off", ownerId.slice(0, 11)],
    ["cut off, then zeros", ownerId.slice(0, 11).padEnd(ownerId.length, "\0")],
  ])("%s: holds up no call, and deleteExpired removes it", async (_, text) => {
    const { path } = newDirectory(parent);
    const store = fileStoreIn(
      { directory: path, timeout: "20s" },
      { heartbeatTimeoutMs: Number.POSITIVE_INFINITY },
    );
    await store.set("kept", "1");
    const { data, locks, owners } = layoutOf(path);
    mkdirSync(`${owners}/${ownerId}`);
    writeFileSync(`${owners}/${ownerId}/id`, text);
    for (const key of ["key", "other"]) {
      writeFileSync(`${locks}/${entryKey(locateNamespace(data, []), key).hash}`, text);
    }
    await store.set("key", "1");
    expect(await store.exists("key")).toBe(true);
    await store.deleteExpired();
    expect(readdirSync(locks)).toEqual([]);
    await store.close();
  });
});
