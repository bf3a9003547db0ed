import { chmodSync, chownSync, rmSync } from "node:fs";
import type { FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { afterAll, describe, expect, test } from "vitest";
import { listed, outcomeOf, storeIn } from "./stores.ts";
import { allBelow, newDirectory, newParent } from "./temporary.ts";

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const unproven = isRoot ? "" : " (unproven here: it takes root to give a directory to another user)";
const nobody = 65_534;

const calls: readonly { name: string; call: (store: FullStore) => Promise<unknown> }[] = [
  { name: "get", call: (store) => store.get("key") },
  { name: "set", call: (store) => store.set("key", "2") },
  { name: "increment", call: (store) => store.increment("key") },
  { name: "keys", call: (store) => listed(store.keys()) },
  { name: "deleteAll", call: (store) => store.deleteAll() },
  { name: "deleteExpired", call: (store) => store.deleteExpired() },
];

// Root may do all that the owner may, and what it made there the owner could not change any more.
describe.skipIf(!isRoot)(`S7 a directory that belongs to another user${unproven}`, () => {
  test.each(calls)("is refused, also to root, with the owner's name: $name", async ({ call }) => {
    const directory = newDirectory(parent).path;
    const before = fileStore({ directory });
    await before.set("key", "1");
    await before.close();
    const all = [directory, ...allBelow(directory)];
    for (const path of all) chownSync(path, nobody, nobody);
    const outcome = await outcomeOf(() => call(storeIn({ directory })));
    expect(outcome).toMatchObject({ code: "KV_DENIED", message: expect.stringMatching(/65534|nobody/) });
    expect(String(outcome)).toContain(directory);
    expect([directory, ...allBelow(directory)], "nothing was made in it").toEqual(all);
    for (const path of all) chownSync(path, 0, 0);
    expect(await storeIn({ directory }).exists("key")).toBe(true);
  });

  test("is refused where it is empty too, and nothing is made in it", async () => {
    const directory = newParent("memory");
    chmodSync(directory, 0o700);
    chownSync(directory, nobody, nobody);
    const outcome = await outcomeOf(() => storeIn({ directory }).set("key", "1"));
    expect(outcome).toMatchObject({ code: "KV_DENIED", message: expect.stringMatching(/65534|nobody/) });
    expect(allBelow(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });
});
