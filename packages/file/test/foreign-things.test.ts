import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { type FullStore, isStoreError } from "@kv/core";
import type { FileStoreOptions } from "@kv/file";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { fileOf, listed, lockOf, outcomeOf, storeIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent();
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** What can stand where a file belongs. Each gives a look at what must not change. */
const things: Readonly<Record<string, (path: string) => (() => unknown) | Promise<() => unknown>>> = {
  "a symbolic link to a file outside"(path) {
    const outside = join(parent, `outside-${crypto.randomUUID()}`);
    writeFileSync(outside, "outside");
    symlinkSync(outside, path);
    return () => [readFileSync(outside, "utf8"), lstatSync(outside).mtimeMs];
  },
  "a symbolic link to nothing"(path) {
    const outside = join(parent, "not there");
    symlinkSync(outside, path);
    return () => existsSync(outside);
  },
  "a FIFO"(path) {
    execFileSync("mkfifo", [path]);
    return () => undefined;
  },
  async "a socket"(path) {
    // Bound under a short name: a socket's has at most 107 bytes.
    const short = join(parent, crypto.randomUUID().slice(0, 8));
    const server = createServer().listen(short);
    await new Promise((resolve) => server.once("listening", resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    execFileSync("mv", [short, path]);
    return () => undefined;
  },
};
const kinds = Object.keys(things);

describe.each(["local", "network"] as const)("S7 in an entry's place, disk %s", (disk) => {
  test.each(kinds)("%s hides no other key, and is left by deleteExpired", async (kind) => {
    const { store, directory } = await prepared(disk);
    const file = fileOf(directory, "key");
    const others = Array.from({ length: 40 }, (_, at) => `other ${at}`);
    await store.setMany(others.map((other) => [other, "1"]));
    rmSync(file);
    const look = await things[kind]?.(file);
    const before = look?.();
    expect(await keysAndError(store)).toEqual([["other", ...others].toSorted(), "KV_CORRUPT"]);
    await store.set("expired", "1", { expiresIn: { milliseconds: 1 } });
    while (await store.exists("expired"));
    expect(await store.deleteExpired()).toBe(1);
    expect(lstatSync(file).isFile()).toBe(false);
    expect(look?.()).toEqual(before);
  });

  test("a directory is told of and left alone, and stops nothing else", async () => {
    const { store, directory } = await prepared(disk);
    const file = fileOf(directory, "key");
    rmSync(file);
    mkdirSync(file);
    for (const isEmpty of [true, false]) {
      if (!isEmpty) writeFileSync(join(file, "precious"), "precious");
      await store.set("expired", "1", { expiresIn: { milliseconds: 1 } });
      while (await store.exists("expired"));
      expect(await keysAndError(store)).toEqual([["other"], "KV_FAILED"]);
      expect(await store.deleteExpired()).toBe(1);
      expect(readdirSync(file)).toEqual(isEmpty ? [] : ["precious"]);
    }
    expect(readdirSync(join(directory, "locks"))).toEqual([]);
  });

  test("damage in some namespaces hides no other: namespaces tells of one that holds nothing else", async () => {
    const { store, directory } = await prepared(disk);
    for (const name of ["a", "b", "c"]) await store.withNamespace(name).set("key", "1");
    await store.withNamespace("b").set("other", "1");
    writeFileSync(fileOf(directory, "key", ["a"]), "damaged");
    writeFileSync(fileOf(directory, "key", ["b"]), "damaged");
    const seen: string[] = [];
    const outcome = await outcomeOf(async () => {
      for await (const each of store.namespaces()) seen.push(each);
    });
    expect(seen.toSorted()).toEqual(["b", "c"]);
    expect(outcome).toMatchObject({ code: "KV_CORRUPT" });
    expect(String(outcome)).toContain(fileOf(directory, "key", ["a"]));
    await store.withNamespace("a").set("key", "healed");
    expect((await listed(store.namespaces())).toSorted()).toEqual(["a", "b", "c"]);
  });

  test("neither key nor value stands in the message (E2)", async () => {
    const { store, directory } = await prepared(disk);
    await store.set("a secret key", "a secret value");
    const file = fileOf(directory, "a secret key");
    copyFileSync(fileOf(directory, "other"), file);
    const outcome = await outcomeOf(() => store.get("a secret key"));
    if (!isStoreError(outcome, "KV_CORRUPT")) expect.fail(String(outcome));
    expect(outcome.message).toContain(file);
    expect(`${outcome.message} ${String(outcome.cause)}`).not.toMatch(/secret/);
  });

  test("a namespace's directory copied to another name is told of, and is no second namespace", async () => {
    const { store, directory } = await prepared(disk);
    await store.withNamespace("child").set("key", "of the child");
    cpSync(join(directory, "data/n/n-child"), join(directory, "data/n/n-other"), { recursive: true });
    const seen: string[] = [];
    const outcome = await outcomeOf(async () => {
      for await (const name of store.namespaces()) seen.push(name);
    });
    expect(seen).toEqual(["child"]);
    expect(outcome).toMatchObject({ code: "KV_CORRUPT" });
    expect(await keysAndError(store.withNamespace("other"))).toEqual([[], "KV_CORRUPT"]);
    expect(await store.withNamespace("other").get("key")).toBeUndefined();
  });

  test("a directory that leads to it, in whose place a file stands, is told of by its path", async () => {
    const { store, directory } = await prepared(disk);
    const folder = dirname(fileOf(directory, "key"));
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "a file");
    for (const call of [() => store.get("key"), () => store.set("key", "new"), () => store.delete("key")]) {
      const outcome = await outcomeOf(call);
      expect(outcome, String(call)).toMatchObject({ code: "KV_FAILED" });
      expect(String(outcome)).toContain(folder);
    }
    expect(readFileSync(folder, "utf8")).toBe("a file");
  });
});

describe.each(["local", "network"] as const)("S7 in the place of a directory, disk %s", (disk) => {
  test.each(["data/d", "data/n", "locks", "owners", "trash"])(
    "%s, a file is told of by its path, and left alone",
    async (name) => {
      const { store, directory } = await prepared(disk);
      await store.close();
      const path = join(directory, name);
      rmSync(path, { recursive: true, force: true });
      writeFileSync(path, "a file");
      const again = storeIn({ directory, disk });
      let told = 0;
      for (const call of [
        () => again.get("key"),
        () => again.set("key", "new"),
        () => again.increment("count"),
        () => again.touch("key", "1h"),
        () => again.delete("key"),
        () => again.withNamespace("child").set("key", "new"),
        () => listed(again.keys()),
        () => listed(again.namespaces()),
        () => again.deleteExpired(),
        () => again.withNamespace("other").deleteAll(),
      ]) {
        const outcome = await outcomeOf(call);
        if (!(outcome instanceof Error)) continue; // it needs nothing of that
        expect(outcome, String(call)).toMatchObject({ code: "KV_FAILED" });
        expect(outcome.message, String(call)).toContain(path);
        told += 1;
      }
      expect(told).toBeGreaterThan(0);
      expect(readFileSync(path, "utf8")).toBe("a file");
    },
  );
});

describe.each(["local", "network"] as const)("S7 in a lock's place, disk %s", (disk) => {
  test.each([...kinds, "a directory"])("%s is told of, and nothing is changed", async (kind) => {
    const { store, directory } = await prepared(disk);
    const lock = lockOf(directory, "key");
    const look = kind === "a directory" ? madeDirectory(lock) : await things[kind]?.(lock);
    const before = look?.();
    for (const call of [
      () => store.set("key", "new"),
      () => store.delete("key"),
      () => store.increment("key"),
      () => store.touch("key", "3h"),
    ]) {
      const outcome = await outcomeOf(call);
      expect(outcome, String(call)).toMatchObject({ code: "KV_FAILED" });
      expect(String(outcome)).toContain(lock);
    }
    expect(textOf(await store.get("key"))).toBe("41");
    expect(await store.deleteExpired()).toBe(0);
    expect(look?.()).toEqual(before);
    rmSync(lock, { recursive: true });
    await store.set("key", "new");
    expect(textOf(await store.get("key"))).toBe("new");
  });

  test.each([
    ["nothing", ""],
    ["zeros", "\0".repeat(60)],
    ["text", "not the name of an owner\n"],
    ["the way to the data", "../data"],
    ["a long text", "x".repeat(5_000)],
  ])("a file that holds %s is broken when it stays as it is, and nothing else goes", async (_, content) => {
    const { directory } = await prepared(disk); // by a store that is still there
    const store = storeIn({ directory, disk, durability: "none" }, { heartbeatTimeoutMs: 1 });
    const lock = lockOf(directory, "key");
    writeFileSync(lock, content);
    expect(await store.deleteExpired()).toBe(0);
    await store.set("key", "new");
    expect(textOf(await store.get("key"))).toBe("new");
    expect(textOf(await store.get("other"))).toBe("1");
    expect(readdirSync(join(directory, "locks"))).toEqual([]);
  });
});

describe.each(["local", "network"] as const)("S7 foreign files among those of a store, disk %s", (disk) => {
  test("are left alone and stop nothing", async () => {
    const { store, directory } = await prepared(disk);
    const child = store.withNamespace("child");
    await child.set("expired", "1", { expiresIn: { milliseconds: 1 } });
    while (await child.exists("expired"));
    await store.withNamespace("kept").set("key", "1");
    const foreign = [
      directory,
      ...["locks", "owners", "data", "data/d", "data/n"].map((place) => join(directory, place)),
      ...["", "d"].map((place) => join(directory, "data/n/n-child", place)),
      dirname(fileOf(directory, "key")),
    ].flatMap((at) => [".DS_Store", "x.txt", "x", "ab"].map((name) => join(at, name)));
    const put = foreign.filter((path) => !existsSync(path) && !path.endsWith("/d/ab"));
    for (const path of put) writeFileSync(path, "\0foreign\n");
    symlinkSync("..", join(directory, "data/n/n-loop"));

    expect(await listed(store.keys())).toEqual(expect.arrayContaining(["key", "other"]));
    expect(await listed(store.namespaces())).toEqual(["kept"]);
    expect(await store.deleteExpired()).toBe(1);
    await store.set("key", "new");
    await child.set("key", "new");
    expect(await store.delete("other")).toBe(true);
    await store.close();
    for (const path of put) expect(existsSync(path) ? readFileSync(path, "utf8") : path).toBe("\0foreign\n");
    const again = storeIn({ directory, disk });
    expect(textOf(await again.get("key"))).toBe("new");
    expect(await again.deleteExpired()).toBe(0);
  });

  test("what lies in the trash is removed, but never what a symbolic link in it leads to", async () => {
    const { store, directory } = await prepared(disk);
    const outside = join(parent, `outside-${crypto.randomUUID()}`);
    mkdirSync(outside);
    writeFileSync(join(outside, "precious"), "precious");
    const trash = join(directory, "trash");
    mkdirSync(join(trash, "away"));
    symlinkSync(outside, join(trash, "away/link"));
    symlinkSync(outside, join(trash, "link"));
    symlinkSync(join(outside, "precious"), join(trash, "file"));
    execFileSync("mkfifo", [join(trash, "away/fifo")]);
    await store.deleteExpired();
    expect(readdirSync(trash)).toEqual([]);
    expect(readFileSync(join(outside, "precious"), "utf8")).toBe("precious");
  });

  test("a symbolic link that came into a namespace is removed by deleteAll, not what it leads to", async () => {
    const { store, directory } = await prepared(disk);
    const outside = join(parent, `outside-${crypto.randomUUID()}`);
    mkdirSync(outside);
    writeFileSync(join(outside, "precious"), "precious");
    symlinkSync(outside, join(directory, "data/d/link"));
    await store.deleteAll();
    expect(await listed(store.keys())).toEqual([]);
    expect(readdirSync(join(directory, "trash"))).toEqual([]);
    expect(readFileSync(join(outside, "precious"), "utf8")).toBe("precious");
  });
});

async function prepared(disk: FileStoreOptions["disk"]): Promise<{ store: FullStore; directory: string }> {
  const directory = newDirectory(parent).path;
  const store = storeIn({ directory, disk, durability: "none" });
  await store.set("key", "41", { expiresIn: "2h" });
  await store.set("other", "1");
  return { store, directory };
}

/** The keys that a listing gives, and the code of the error that it ends with. */
async function keysAndError(store: FullStore): Promise<[keys: string[], code: string | undefined]> {
  const keys: string[] = [];
  const outcome = await outcomeOf(async () => {
    for await (const key of store.keys()) keys.push(key);
  });
  return [keys.toSorted(), isStoreError(outcome) ? outcome.code : undefined];
}

function madeDirectory(path: string): () => unknown {
  mkdirSync(path);
  writeFileSync(join(path, "precious"), "precious");
  return () => readdirSync(path);
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
