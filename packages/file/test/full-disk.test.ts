import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FullStore } from "@kv/core";
import type { FileStoreOptions } from "@kv/file";
import { afterAll, describe, expect, test } from "vitest";
import { errno, faultyDisk } from "./injected-faults.ts";
import { empty, fill, fillInodes, may, mountTmpfs, remount } from "./mounted.ts";
import { listed, outcomeOf, storeIn } from "./stores.ts";
import { allBelow, newDirectory, newParent } from "./temporary.ts";

const parent = newParent();
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const unproven = may.mountTmpfs ? "" : " (unproven here: it takes root to mount a tmpfs)";

describe.skipIf(!may.mountTmpfs).each(["local", "network"] as const)(
  `S7 a small file system of its own, disk %s${unproven}`,
  (disk) => {
    test.each([100, 40_000, 3_000_000])(
      "full: a set of %d bytes is KV_FULL and keeps the old value, nothing is left over, and goes on when there is room",
      async (length) => {
        const { store, directory, mounted } = onTmpfs(disk, "size=2m");
        await store.set("key", "old", { expiresIn: "1h" });
        await store.set("count", "41");
        fill(mounted);
        const before = namesBelow(directory);
        const value = "x".repeat(length);
        for (const call of [
          () => store.set("key", value),
          () => store.set("key", value, { keepExpiry: true }),
          () => store.set("new", value),
          () => store.setIfAbsent("new", value),
          () => store.compareAndSet("key", "old", value),
          () => store.increment("count"),
        ]) {
          const outcome = await outcomeOf(call);
          expect(outcome, String(call)).toMatchObject({ code: "KV_FULL" });
          expect(String(outcome)).toMatch(/make room/);
          expect(namesBelow(directory), String(call)).toEqual(before);
        }
        // What takes no room goes on.
        expect(textOf(await store.get("key"))).toBe("old");
        expect(textOf(await store.get("key", { renewFor: "2h" }))).toBe("old");
        expect(await store.touch("key", "3h")).toBe(true);
        expect((await listed(store.keys())).toSorted()).toEqual(["count", "key"]);
        expect(await store.delete("count")).toBe(true);
        expect(await store.deleteExpired()).toBe(0);

        empty(mounted);
        await store.set("key", "y".repeat(Math.min(length, 1_000_000)));
        expect((await store.increment("count")).value).toBe(1);
        expect(readdirSync(join(directory, "locks"))).toEqual([]);
      },
    );

    test("full, and the store new there: KV_FULL, reads go on, deleteAll makes room", async () => {
      const { store, directory, mounted } = onTmpfs(disk, "size=2m");
      await store.set("key", "x".repeat(100_000));
      await store.close();
      fill(mounted);
      const before = namesBelow(directory);
      const fresh = storeIn({ directory, disk });
      expect(await outcomeOf(() => fresh.set("key", "new"))).toMatchObject({ code: "KV_FULL" });
      expect((await fresh.get("key"))?.length).toBe(100_000);
      expect(namesBelow(directory)).toEqual(before);
      await fresh.deleteAll();
      await fresh.set("key", "new");
      expect(textOf(await fresh.get("key"))).toBe("new");
    });

    test("full before there was a store: KV_FULL at every call, and no file is left by any", async () => {
      const { directory, mounted } = onTmpfs(disk, "size=2m");
      mkdirSync(directory, { mode: 0o700 });
      fill(mounted);
      const store = storeIn({ directory, disk });
      for (let round = 0; round < 3; round += 1) {
        expect(await outcomeOf(() => store.set("key", "1"))).toMatchObject({ code: "KV_FULL" });
        expect(readdirSync(directory)).toEqual([]);
      }
      empty(mounted);
      await store.set("key", "1");
      expect(textOf(await store.get("key"))).toBe("1");
    });

    test("without inodes: KV_FULL, the old values are kept, nothing is left over, and goes on when there are some", async () => {
      const { store, directory, mounted } = onTmpfs(disk, "size=4m,nr_inodes=400");
      await store.set("key", "old");
      fillInodes(mounted);
      const before = namesBelow(directory);
      const child = store.withNamespace("child");
      for (const call of [
        () => store.set("key", "new"),
        () => store.set("new", "1"),
        () => store.increment("count"),
        () => child.set("key", "1"),
      ]) {
        expect(await outcomeOf(call), String(call)).toMatchObject({ code: "KV_FULL" });
        expect(namesBelow(directory), String(call)).toEqual(before);
      }
      expect(textOf(await store.get("key"))).toBe("old");
      empty(mounted);
      await store.set("key", "new");
      await child.set("key", "1");
      expect(textOf(await store.get("key"))).toBe("new");
    });

    test("read-only: KV_READ_ONLY, reads go on, and so do changes when it can be written again", async () => {
      const { store, directory, mounted } = onTmpfs(disk, "size=2m");
      await store.set("key", "41", { expiresIn: "1h" });
      await store.withNamespace("child").set("key", "1");
      remount(mounted, "ro");
      await expectReadOnly(store);
      await expectReadOnly(storeIn({ directory, disk }));
      const elsewhere = storeIn({ directory: join(mounted, "new"), disk });
      expect(await outcomeOf(() => elsewhere.set("key", "1"))).toMatchObject({ code: "KV_READ_ONLY" });
      remount(mounted, "rw");
      expect((await store.increment("key")).value).toBe(42);
    });
  },
);

test("S7 KV_READ_ONLY where every change of the disk is refused (injected): reads go on", async () => {
  const directory = newDirectory(parent).path;
  let isReadOnly = false;
  const reading = new Set(["read", "close", "stat", "statAt", "list"]);
  const disk = faultyDisk((call) => {
    const reads = reading.has(call.name) || (call.name === "open" && ((call.args[1] as number) & 3) === 0);
    return isReadOnly && !reads ? errno("EROFS", call) : undefined;
  });
  const store = storeIn({ directory }, { disk });
  await store.set("key", "41", { expiresIn: "1h" });
  await store.withNamespace("child").set("key", "1");
  isReadOnly = true;
  await expectReadOnly(store);
  isReadOnly = false;
  expect((await store.increment("key")).value).toBe(42);
});

async function expectReadOnly(store: FullStore): Promise<void> {
  for (const call of [
    () => store.set("key", "new"),
    () => store.set("new", "1"),
    () => store.delete("key"),
    () => store.increment("key"),
    () => store.setIfAbsent("new", "1"),
    () => store.compareAndSet("key", "41", "new"),
    () => store.compareAndDelete("key", "41"),
    () => store.take("key"),
    () => store.touch("key", "2h"),
    () => store.get("key", { renewFor: "2h" }),
    () => store.deleteAll(),
  ]) {
    expect(await outcomeOf(call), String(call)).toMatchObject({ code: "KV_READ_ONLY" });
  }
  expect(textOf(await store.get("key"))).toBe("41");
  expect(await store.exists("new")).toBe(false);
  expect(await store.delete("new")).toBe(false);
  expect(await listed(store.keys())).toEqual(["key"]);
  expect(await listed(store.namespaces())).toEqual(["child"]);
}

interface Mounted {
  readonly store: FullStore;
  readonly directory: string;
  readonly mounted: string;
}

/** A store on a small file system in memory, which goes with the test. */
function onTmpfs(disk: FileStoreOptions["disk"], options: string): Mounted {
  const mounted = mountTmpfs(parent, options);
  const directory = join(mounted, "store");
  return { store: storeIn({ directory, disk }), directory, mounted };
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}

/** What there is. The links in an owner's directory change their names. */
function namesBelow(directory: string): string[] {
  return allBelow(directory).map((path) => path.replace(/(\/owners\/[^/]+)\/\d+$/, "$1/a link of its id"));
}
