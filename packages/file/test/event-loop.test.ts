import fs, { rmSync } from "node:fs";
import type { Answer } from "@kv/core/driver";
import { fileStore } from "@kv/file";
import { afterAll, expect, test, vi } from "vitest";
import { type Disk, disks, type FileSystem } from "../src/disk/file-system.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { listed, storeIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// What keeps the event loop is counted, not timed: synchronous calls, and the bytes that they move.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

interface Made {
  readonly name: keyof FileSystem;
  readonly bytes: number;
  readonly turn: number;
}

/** The disk, with a record of the synchronous calls. */
function recordedDisk(): { disk: Disk; made: Made[]; stop(): void } {
  const made: Made[] = [];
  let turn = 0;
  const nextTurn = (): void => {
    turn += 1;
    immediate = setImmediate(nextTurn);
  };
  let immediate = setImmediate(nextTurn);
  const { inline, pooled } = disks.local;
  const names = Object.keys(inline) as (keyof FileSystem)[];
  const recorded = names.map((name) => [
    name,
    (...args: unknown[]): Answer<unknown> => {
      const bytes = name === "read" || name === "write" ? (args[3] as number) : 0;
      made.push({ name, bytes, turn });
      return (inline[name] as (...args: unknown[]) => Answer<unknown>)(...args);
    },
  ]);
  return {
    disk: { inline: Object.fromEntries(recorded) as FileSystem, pooled },
    made,
    stop: () => clearImmediate(immediate),
  };
}

const durabilities = ["none", "file", "full"] as const;

test.each(durabilities)(
  "a large value keeps the event loop for no more than a small one does: durability %s",
  async (durability) => {
    const { disk, made, stop } = recordedDisk();
    const store = fileStoreIn({ directory: newDirectory(parent).path, durability }, { disk });
    const large = new Uint8Array(20_000_000).fill(7);
    await store.set("small", "1"); // makes the directories
    for (const call of [
      () => store.set("large", large),
      () => store.get("large"),
      () => store.set("large", "é".repeat(5_000_000), { expiresIn: "1h" }),
      () => store.set("large", large, { keepExpiry: true }),
      () => store.get("large", { renewFor: "1h" }),
      () => store.touch("large", "1h"),
      () => store.compareAndSet("large", large, large),
      () => store.setIfAbsent("other", large),
      () => store.delete("large"),
      () => store.deleteAll(),
    ]) {
      made.length = 0;
      await call();
      expect(made.length, String(call)).toBeGreaterThan(0);
      const bytes = new Map<number, number>();
      for (const each of made) bytes.set(each.turn, (bytes.get(each.turn) ?? 0) + each.bytes);
      expect(Math.max(...bytes.values()), `${String(call)}: bytes in one turn`).toBeLessThanOrEqual(
        512 * 1024,
      );
      expect(made.length, `${String(call)}: calls`).toBeLessThan(60);
      expect(
        made.map(({ name }) => name),
        "the disk is waited for by the thread pool",
      ).not.toContain("sync");
    }
    await store.close();
    stop();
  },
);

test("a large value is read into its own bytes: nothing large is copied in one go", async () => {
  const store = storeIn({ directory: newDirectory(parent).path, durability: "none" });
  const large = new Uint8Array(5_000_000).fill(7);
  const longKey = "k".repeat(300_000); // the address goes beyond what is read first
  for (const key of ["large", longKey]) {
    await store.set(key, large, { expiresIn: "1h" });
    for (const call of [() => store.get(key), () => store.get(key, { renewFor: "1h" })]) {
      const { value, copied } = await copiedDuring(call);
      expect(value?.buffer.byteLength, "and is all of its buffer").toBe(large.length);
      expect(Buffer.from(value ?? []).equals(large)).toBe(true);
      expect(copied.length).toBeGreaterThan(0);
      expect(Math.max(...copied)).toBeLessThanOrEqual(512 * 1024);
    }
  }
});

/** What a call gives, and how many bytes were copied from one array to another each time that any were. */
async function copiedDuring<T>(call: () => Promise<T>): Promise<{ value: T; copied: number[] }> {
  const copied: number[] = [];
  const original = globalThis.Uint8Array;
  const { set } = original.prototype;
  const { copy } = Buffer.prototype;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      if (ArrayBuffer.isView(args[0])) copied.push(args[0].byteLength);
      return Reflect.construct(target, args, newTarget) as Uint8Array;
    },
  });
  original.prototype.set = function (from, at) {
    copied.push(from.length);
    set.call(this, from, at);
  };
  Buffer.prototype.copy = function (into: Uint8Array, at?: number, from?: number, to?: number) {
    const length = copy.call(this, into, at, from, to);
    copied.push(length);
    return length;
  };
  try {
    return { value: await call(), copied };
  } finally {
    globalThis.Uint8Array = original;
    original.prototype.set = set;
    Buffer.prototype.copy = copy;
  }
}

test("many small calls give way to the event loop again and again", async () => {
  const { disk, made, stop } = recordedDisk();
  const store = fileStoreIn({ directory: newDirectory(parent).path, durability: "none" }, { disk });
  const keys = Array.from({ length: 1_000 }, (_, number) => `key ${number}`);
  for (const call of [
    () => store.setMany(keys.map((key) => [key, "x"] as const)),
    () => store.getMany(keys),
    async () => {
      for await (const _ of store.keys());
    },
    async () => {
      for (const key of keys) await store.get(key);
    },
    () => store.deleteExpired(),
    () => store.deleteMany(keys),
    () => store.deleteAll(),
  ]) {
    made.length = 0;
    await call();
    const turns = new Set(made.map(({ turn }) => turn));
    expect(made.length, String(call)).toBeGreaterThan(500);
    expect(turns.size, `${String(call)}: turns for ${made.length} calls`).toBeGreaterThan(2);
  }
  await store.close();
  stop();
});

test("with disk network no call is synchronous", async () => {
  const synchronous = (Object.keys(fs) as (keyof typeof fs)[]).filter((name) => name.endsWith("Sync"));
  expect(synchronous).toContain("openSync");
  const calls: string[] = [];
  const store = fileStore({ directory: newDirectory(parent).path, disk: "network" });
  await store.set("key", "1"); // who this process is, is read once
  for (const name of synchronous) {
    if (typeof fs[name] !== "function") continue;
    const original = fs[name] as (...args: unknown[]) => unknown;
    const spy = vi.spyOn(fs as unknown as Record<string, typeof original>, name);
    spy.mockImplementation((...args) => {
      calls.push(name);
      return original(...args);
    });
  }
  try {
    await store.set("key", "x".repeat(100_000), { keepExpiry: true });
    await store.get("key");
    await store.increment("counter");
    await store.delete("key");
    await store.withNamespace("child").set("key", "1", { expiresIn: "1h" });
    await listed(store.keys());
    await store.deleteExpired();
    await store.deleteAll();
    await store.close();
  } finally {
    vi.restoreAllMocks();
  }
  expect(calls).toEqual([]);
});
