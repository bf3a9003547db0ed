import { type FullStore, StoreError } from "@kv/core";
import { createStore, type FullDriverNamespace } from "@kv/core/driver";
import { memoryStore } from "@kv/memory";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { copyStore } from "../src/index.ts";

type Tree = Map<string, { readonly value: number[]; readonly expiresIn: number }>;

describe("copyStore", () => {
  test("copies every entry of a store and of all below, its bytes and its expiry", async () => {
    const name = fc.string({ unit: "binary", minLength: 1, maxLength: 5 });
    const entry = fc.record({
      path: fc.array(fc.oneof(fc.constantFrom("a", "b"), name), { maxLength: 3 }),
      key: fc.string({ unit: "binary" }),
      value: fc.uint8Array(),
      minutes: fc.option(fc.integer({ min: 1, max: 1_000_000 })),
    });
    // The clock stands still, so what is left of each entry stays the same.
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 40 }), async (entries) => {
        await using from = memoryStore();
        await using to = memoryStore();
        for (const { path, key, value, minutes } of entries) {
          await below(from, path).set(key, value, minutes === null ? {} : { expiresIn: { minutes } });
        }
        const counts = await copyStore(from, to);
        const copied = await treeOf(to);
        const original = await treeOf(from);
        expect(counts).toMatchObject({ copied: original.size, kept: 0, gone: 0, damaged: 0 });
        expect([...copied.keys()].toSorted()).toEqual([...original.keys()].toSorted());
        for (const [place, { value, expiresIn }] of original) {
          expect(copied.get(place)).toEqual({ value, expiresIn });
        }
      }),
    );
  });

  test("can be run again: replaces, or with ifAbsent leaves alone what is there", async () => {
    await using from = memoryStore();
    await using to = memoryStore();
    await from.set("a", "new");
    await from.withNamespace("n").set("b", "new");
    await to.set("a", "old", { expiresIn: "1h" });
    await to.set("other", "stays");

    expect(await copyStore(from, to, { ifAbsent: true })).toMatchObject({ copied: 1, kept: 1, bytes: 3 });
    expect(await textOf(to, "a")).toBe("old");
    expect(await textOf(to.withNamespace("n"), "b")).toBe("new");

    expect(await copyStore(from, to)).toMatchObject({ copied: 2, kept: 0, bytes: 6 });
    expect(await textOf(to, "a")).toBe("new");
    expect(await to.expiresIn("a")).toBe(Infinity);
    expect(await textOf(to, "other")).toBe("stays");
  });

  test("with ifAbsent never replaces what another writes between looking and writing", async () => {
    await using from = memoryStore();
    await using to = memoryStore();
    await from.set("a", "from the source");
    const racing = { ...to, exists: async () => false };
    await to.set("a", "from another");
    expect(await copyStore(from, racing as FullStore, { ifAbsent: true })).toMatchObject({
      copied: 0,
      kept: 1,
    });
    expect(await textOf(to, "a")).toBe("from another");
  });

  test("never gives a value the expiry of another, when the entry is replaced while it is read", async () => {
    await using from = memoryStore();
    await using to = memoryStore();
    await from.set("session", "short", { expiresIn: "1m" });
    let readings = 0;
    const changing = {
      ...from,
      async get(key: string) {
        const value = from.get(key);
        readings += 1;
        if (readings === 1) void from.set("session", "long"); // between the value and its expiry
        return value;
      },
    };
    await copyStore(changing, to);
    expect(await textOf(to, "session")).toBe("long");
    expect(await to.expiresIn("session")).toBe(Infinity);
    expect(readings).toBe(2);
  });

  test("leaves out what expires on the way, and counts it", async () => {
    await using from = memoryStore();
    await using to = memoryStore();
    await from.set("a", "1");
    await from.set("b", "2", { expiresIn: "1h" });
    const late = { ...from, expiresIn: async () => 1e-9 };
    expect(await copyStore(late as FullStore, to)).toMatchObject({ copied: 0, gone: 2 });
    const deleted = { ...from, expiresIn: async () => undefined, get: async () => undefined };
    expect(await copyStore(deleted as FullStore, to)).toMatchObject({ copied: 0, gone: 2 });
    expect((await treeOf(to)).size).toBe(0);
  });

  test("leaves out what is damaged, names it, and copies the rest; any other failure ends it", async () => {
    await using from = memoryStore();
    await using to = memoryStore();
    for (const key of ["a", "b", "c"]) await from.withNamespace("n").set(key, key);
    const damaged: unknown[] = [];
    const options = { onDamaged: (...where: unknown[]) => damaged.push(where) };
    const failing = (code: "KV_CORRUPT" | "KV_UNAVAILABLE"): FullStore => failingAt(from, "b", code);

    expect(await copyStore(failing("KV_CORRUPT"), to, options)).toMatchObject({ copied: 2, damaged: 1 });
    expect(damaged).toEqual([[["n"], "b"]]);
    await expect(copyStore(failing("KV_UNAVAILABLE"), to)).rejects.toMatchObject({ code: "KV_UNAVAILABLE" });
  });

  test("holds some megabytes at a time, however much there is", async () => {
    const valueBytes = 64 * 1024;
    const entries = 4_000;
    let held = 0;
    let most = 0;
    const from = generated(entries, valueBytes);
    const to = {
      ...memoryStore(),
      async set() {
        held -= valueBytes;
      },
    };
    const counting = {
      ...from,
      async get(key: string) {
        held += valueBytes;
        most = Math.max(most, held);
        return from.get(key);
      },
    };
    let reports = 0;
    const counts = await copyStore(counting, to, {
      onProgress: () => {
        reports += 1;
      },
    });
    expect(counts).toMatchObject({ copied: entries, bytes: entries * valueBytes });
    expect(most).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(most).toBeGreaterThan(1024 * 1024);
    expect(reports).toBeGreaterThan(entries / 128);
  });
});

function below(store: FullStore, path: readonly string[]): FullStore {
  return path.reduce((parent, name) => parent.withNamespace(name), store);
}

async function textOf(store: FullStore, key: string): Promise<string> {
  return new TextDecoder().decode(await store.get(key));
}

async function treeOf(store: FullStore, path: readonly string[] = []): Promise<Tree> {
  const tree: Tree = new Map();
  for await (const key of store.keys()) {
    const value = [...((await store.get(key)) ?? [])];
    tree.set(JSON.stringify([path, key]), { value, expiresIn: (await store.expiresIn(key)) ?? 0 });
  }
  for await (const name of store.namespaces()) {
    const subtree = await treeOf(store.withNamespace(name), [...path, name]);
    for (const [place, entry] of subtree) tree.set(place, entry);
  }
  return tree;
}

/** A store whose `get` of one key fails, in every namespace. */
function failingAt(store: FullStore, key: string, code: "KV_CORRUPT" | "KV_UNAVAILABLE"): FullStore {
  return {
    ...store,
    get: async (asked: string) => {
      if (asked === key) throw new StoreError(code, "it fails");
      return store.get(asked);
    },
    withNamespace: (name: string) => failingAt(store.withNamespace(name), key, code),
  };
}

/** A store that holds nothing in memory: its values are made when they are asked for. */
function generated(entries: number, valueBytes: number): FullStore {
  const root = {
    get: () => new Uint8Array(valueBytes),
    expiresInMs: () => Infinity,
    exists: () => true,
    async *keys() {
      for (let at = 0; at < entries; at += 1) yield [`key-${at}`];
    },
    async *namespaces() {
      yield [];
    },
  } as unknown as FullDriverNamespace;
  return createStore({ label: "generated", root, namespace: () => root });
}
