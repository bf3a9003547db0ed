import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { FullStore } from "@kv/core";
import { afterAll, describe, expect, test } from "vitest";
import { listed, outcomeOf, storeIn } from "./stores.ts";
import { allBelow, newDirectory, newParent } from "./temporary.ts";

const parent = newParent();
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const calls: readonly ((store: FullStore) => Promise<unknown>)[] = [
  (store) => store.get("key"),
  (store) => store.set("key", "new"),
  (store) => store.delete("key"),
  (store) => store.increment("key"),
  (store) => store.withNamespace("child").set("key", "new"),
  (store) => store.deleteAll(),
  (store) => store.deleteExpired(),
  (store) => listed(store.keys()),
  (store) => listed(store.namespaces()),
];

describe.each(["local", "network"] as const)("S7 the directory of a store, disk %s", (disk) => {
  async function expectRefused(directory: string, expected: object, inMessage: RegExp): Promise<void> {
    const before = existsSync(directory) && statSync(directory).isDirectory() ? allBelow(directory) : [];
    for (const call of calls) {
      const outcome = await outcomeOf(() => call(storeIn({ directory, disk })));
      expect(outcome, String(call)).toMatchObject(expected);
      expect(String(outcome)).toMatch(inMessage);
      expect(String(outcome)).toContain(directory);
    }
    if (before.length > 0) expect(allBelow(directory)).toEqual(before);
  }

  async function filled(): Promise<string> {
    const directory = newDirectory(parent).path;
    const store = storeIn({ directory, disk });
    await store.set("key", "kept");
    await store.close();
    return directory;
  }

  test("with other people's files is refused, not cleared", async () => {
    const directory = newDirectory(parent).path;
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, "thesis.txt"), "precious");
    await expectRefused(directory, { code: "KV_DENIED" }, /thesis\.txt/);
    expect(readFileSync(join(directory, "thesis.txt"), "utf8")).toBe("precious");
  });

  test.each([0o777, 0o720, 0o702])("to which others can write is refused, mode %o", async (mode) => {
    const directory = await filled();
    chmodSync(directory, mode);
    await expectRefused(directory, { code: "KV_DENIED" }, /chmod 700/);
    chmodSync(directory, 0o755); // that others can look is the owner's affair
    expect(textOf(await storeIn({ directory, disk }).get("key"))).toBe("kept");
  });

  test("that is empty but open to others is refused, and not made a store", async () => {
    const directory = newDirectory(parent).path;
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    await expectRefused(directory, { code: "KV_DENIED" }, /chmod 700/);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("and all in it is private", async () => {
    const directory = await filled();
    for (const path of [directory, ...allBelow(directory)]) {
      expect((statSync(path).mode & 0o777).toString(8), path).toBe(
        statSync(path).isDirectory() ? "700" : "600",
      );
    }
  });

  test("may be a symbolic link, which is the user's own choice", async () => {
    const directory = await filled();
    const link = newDirectory(parent).path;
    symlinkSync(directory, link);
    const store = storeIn({ directory: link, disk });
    expect(textOf(await store.get("key"))).toBe("kept");
    await store.set("key", "through the link");
    expect(textOf(await storeIn({ directory, disk }).get("key"))).toBe("through the link");
    chmodSync(directory, 0o777);
    await expectRefused(link, { code: "KV_DENIED" }, /chmod 700/);
  });

  test("that is a symbolic link to nothing is told of, and nothing is made there", async () => {
    const nowhere = newDirectory(parent).path;
    const link = newDirectory(parent).path;
    symlinkSync(nowhere, link);
    await expectRefused(link, { code: "KV_FAILED" }, /symbolic link/);
    expect(existsSync(nowhere)).toBe(false);
  });

  test("that is a file, or lies below one, is told of", async () => {
    const file = newDirectory(parent).path;
    writeFileSync(file, "precious");
    await expectRefused(file, { code: "KV_FAILED" }, /something else is where a directory/);
    await expectRefused(join(file, "below"), { code: "KV_FAILED" }, /something else is where a directory/);
    expect(readFileSync(file, "utf8")).toBe("precious");
  });

  test("of an earlier or later layout is refused, and one whose marker is damaged", async () => {
    const directory = await filled();
    const marker = join(directory, "kv-store");
    for (const layout of [1, 3]) {
      writeFileSync(marker, `@kv/file ${layout}\n`);
      await expectRefused(
        directory,
        { code: "KV_FAILED" },
        new RegExp(`has layout ${layout}, and .* layout 2 alone`),
      );
    }
    for (const text of ["", "@kv/file 2", "@kv/file 2\n\n", "another program's", "x".repeat(1_000)]) {
      writeFileSync(marker, text);
      await expectRefused(directory, { code: "KV_FAILED" }, /damaged, or is another program's/);
    }
    writeFileSync(marker, "@kv/file 2\n");
    expect(textOf(await storeIn({ directory, disk }).get("key"))).toBe("kept");
  });

  test("in which the marker is no file is refused", async () => {
    const directory = await filled();
    const marker = join(directory, "kv-store");
    renameSync(marker, join(parent, "marker"));
    symlinkSync(join(parent, "marker"), marker);
    await expectRefused(directory, { code: "KV_FAILED" }, /damaged, or is another program's/);
    rmSync(marker);
    mkdirSync(marker);
    await expectRefused(directory, { code: "KV_FAILED" }, /damaged, or is another program's/);
  });

  test("that lost its marker is refused, and nothing of it is cleared", async () => {
    const directory = await filled();
    rmSync(join(directory, "kv-store"));
    await expectRefused(directory, { code: "KV_DENIED" }, /holds other files/);
  });

  test.each(["the same", "another"])(
    "that is removed while the store is open holds nothing then, and is made anew by a change in %s namespace",
    async (which) => {
      const directory = await filled();
      const store = storeIn({ directory, disk, durability: "full" });
      await store.set("key", "1");
      const child = which === "the same" ? store : store.withNamespace("a").withNamespace("b");
      rmSync(directory, { recursive: true });
      expect(await store.get("key")).toBeUndefined();
      expect(await store.delete("key")).toBe(false);
      expect(await store.touch("key", "1h")).toBe(false);
      expect(await listed(store.keys())).toEqual([]);
      expect(await listed(store.namespaces())).toEqual([]);
      expect(existsSync(directory)).toBe(false);
      await child.set("key", "anew");
      expect(textOf(await child.get("key"))).toBe("anew");
      expect((await store.increment("count")).value).toBe(1);
      const other = storeIn({ directory, disk });
      expect(await listed(other.keys())).toEqual(
        which === "the same" ? ["count", "key"].toSorted() : ["count"],
      );
      expect(statSync(directory).mode & 0o777).toBe(0o700);
    },
  );

  test.each([(store: FullStore) => store.deleteAll(), (store: FullStore) => store.deleteExpired()])(
    "that is removed while the store is open stops no removal: %s",
    async (remove) => {
      const directory = await filled();
      const store = storeIn({ directory, disk });
      await store.set("key", "1");
      rmSync(directory, { recursive: true });
      await remove(store);
      await store.set("key", "anew");
      expect(textOf(await storeIn({ directory, disk }).get("key"))).toBe("anew");
    },
  );

  test("that is replaced by other people's files while the store is open is not written to", async () => {
    const directory = await filled();
    const store = storeIn({ directory, disk });
    await store.set("key", "1");
    rmSync(directory, { recursive: true });
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, "thesis.txt"), "precious");
    for (const at of [store, store.withNamespace("child")]) {
      expect(await outcomeOf(() => at.set("key", "2"))).toMatchObject({ code: "KV_DENIED" });
      expect(allBelow(directory)).toEqual([join(directory, "thesis.txt")]);
    }
  });
});

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
