import { isStoreError } from "@kv/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EntryTable } from "../src/entries/entry-table.ts";
import { LruTracker } from "../src/eviction/lru-tracker.ts";
import { type MemoryStore, memoryStore } from "../src/index.ts";
import type { LruNode } from "../src/storage/types.ts";

async function present(store: MemoryStore, keys: string): Promise<string> {
  const there: string[] = [];
  // Listing, unlike reading, is no use of an entry.
  for await (const key of store.keys()) there.push(key);
  return [...keys].filter((key) => there.includes(key)).join("");
}

describe("maxEntries", () => {
  test("the least recently used entry goes first, and every use counts", async () => {
    const store = memoryStore({ maxEntries: 3 });
    for (const key of "abc") await store.set(key, "1");
    await store.get("a");
    await store.set("d", "1");
    expect(await present(store, "abcd")).toBe("acd");
    await store.exists("c");
    await store.set("c", "2");
    await store.set("e", "1");
    expect(await present(store, "acde")).toBe("cde");
  });

  test("the limit holds over all namespaces together", async () => {
    const store = memoryStore({ maxEntries: 2 });
    await store.withNamespace("a").set("k", "1");
    await store.set("k", "1");
    await store.withNamespace("b").set("k", "1");
    expect(await store.withNamespace("a").exists("k")).toBe(false);
    const names: string[] = [];
    for await (const name of store.namespaces()) names.push(name);
    expect(names).toEqual(["b"]);
  });

  test("what was deleted, has expired or went with its namespace counts no more", async () => {
    let nowMs = 0;
    const store = memoryStore({ maxEntries: 3, now: () => nowMs });
    await store.set("keep", "1");
    await store.set("a", "1");
    await store.delete("a");
    await store.set("b", "1", { expiresIn: 1 });
    nowMs = 1_000;
    expect(await store.deleteExpired()).toBe(1);
    const child = store.withNamespace("c");
    await child.set("a", "1");
    await child.withNamespace("d").set("a", "1");
    const cleared = child.deleteAll();
    // Already now, though the promise is still pending.
    await store.set("x", "1");
    await store.set("y", "1");
    await cleared;
    expect(await present(store, "xy")).toBe("xy");
    expect(await store.exists("keep")).toBe(true);
  });
});

describe.each([
  ["all of the store", (store: MemoryStore) => store],
  ["a namespace of it", (store: MemoryStore) => store.withNamespace("n")],
])("when %s is emptied", (_, emptied) => {
  test("a sweep in progress does not count again what went with it", async () => {
    const most = 1_000;
    let nowMs = 0;
    let looks = 0;
    const store = memoryStore({
      maxEntries: most,
      now() {
        looks += 1;
        // Between two steps of the sweep.
        if (nowMs > 0 && looks === 2) void emptied(store).deleteAll();
        return nowMs;
      },
    });
    const entries = Array.from({ length: most + 5 }, (__, at) => [`${at}`, ""] as const);
    await emptied(store).setMany(entries.slice(5), { expiresIn: 1 });
    nowMs = 5_000;
    looks = 0;
    await store.deleteExpired();
    expect(looks).toBeGreaterThan(1);
    await store.setMany(entries);
    expect(await store.exists("4")).toBe(false);
    expect(await store.exists("5")).toBe(true);
  });

  test("what is set immediately afterwards is in LRU order, while the old entries are still being released", async () => {
    const store = memoryStore({ maxEntries: 3 });
    for (const key of "abc") await emptied(store).set(key, "1");
    const over = emptied(store).deleteAll();
    for (const key of "abc") await store.set(key, "1");
    await store.get("a");
    await over;
    await store.set("d", "1");
    expect(await present(store, "abcd")).toBe("acd");
  });
});

test.each([
  ["with others", ["kept"]],
  ["alone", []],
])("the LRU list releases an emptied namespace (%s)", async (_, others) => {
  const table = new EntryTable(() => 0, new LruTracker({ entries: 10, bytes: 100 }));
  const put = (name: string): LruNode => {
    table.put([name], table.tree.find([name]), "k", "v", Number.POSITIVE_INFINITY);
    return table.tree.find([name])?.entries.get("k")?.lru as LruNode;
  };
  for (const name of others) put(name);
  const gone = put("emptied");
  await table.removeAll(gone.namespace);
  const newest = put("new");
  const reachable = new Set<LruNode>();
  for (let node = newest; !reachable.has(node); node = node.older) reachable.add(node);
  expect(reachable.size).toBe(others.length + 2); // one of them closes the ring
  expect(reachable.has(gone)).toBe(false);
});

describe("maxBytes", () => {
  test("keys and values count by their bytes in UTF-8", async () => {
    const store = memoryStore({ maxBytes: 10 });
    await store.set("a", "1234");
    await store.set("é", "123"); // 5 and 5 bytes
    expect(await present(store, "aé")).toBe("aé");
    await store.set("a", "12345");
    expect(await present(store, "aé")).toBe("a");
  });

  test.each(["", "\0\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff\ue000", "\uffff", "\u{10000}\u{10ffff}"])(
    "an entry of all the bytes that there are fits, and of one more does not: %j",
    (key) => {
      const length = Buffer.byteLength(key);
      expect(new LruTracker({ entries: 1, bytes: length + 1 }).checkFits(key, new Uint8Array(1))).toBe(
        length + 1,
      );
      expect(() => new LruTracker({ entries: 1, bytes: length }).checkFits(key, new Uint8Array(1))).toThrow(
        expect.objectContaining({ code: "KV_FULL" }),
      );
    },
  );

  test("a value that keeps its entry's expiry counts by its own length", async () => {
    const store = memoryStore({ maxBytes: 10 });
    await store.set("a", "1234");
    await store.set("b", "1");
    await store.set("b", "123456", { keepExpiry: true });
    expect(await present(store, "ab")).toBe("b");
  });

  test("KV_FULL for an entry that no eviction makes room for, and nothing is evicted or replaced", async () => {
    const store = memoryStore({ maxBytes: 10 });
    await store.set("a", "old");
    const error: unknown = await store.set("a", "x".repeat(10)).catch((reason: unknown) => reason);
    expect(isStoreError(error, "KV_FULL")).toBe(true);
    expect(String(error)).toMatch(/11 bytes.*maxBytes allows 10/);
    expect(Buffer.from((await store.get("a")) ?? []).toString()).toBe("old");
  });
});

test("a limit of 1 holds one", async () => {
  for (const [option, key] of [
    ["maxEntries", "ab"],
    ["maxBytes", "a"],
  ] as const) {
    const store = memoryStore({ [option]: 1 });
    await store.set("b", "");
    await store.set(key, "");
    expect(await present(store, "b")).toBe("");
    expect(await store.exists(key)).toBe(true);
  }
});

test("the limits hold, and evict only as much as they must, whatever is done", async () => {
  const key = fc.constantFrom(..."abcdefgh".split(""));
  const command = fc.record({
    does: fc.constantFrom("set", "set", "set", "get", "delete", "deleteAll"),
    key,
    size: fc.nat(20),
    below: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60, size: "max" }), async (commands) => {
      const max = { maxEntries: 4, maxBytes: 40 };
      const store = memoryStore(max);
      // From the least to the most recently used.
      const model = new Map<string, number>();
      for (const { does, key: name, size, below } of commands) {
        const at = below ? store.withNamespace("n") : store;
        const id = `${below ? "n/" : ""}${name}`;
        if (does === "set") {
          await at.set(name, new Uint8Array(size));
          model.delete(id);
          model.set(id, size + 1);
          const bytes = (): number => [...model.values()].reduce((sum, entry) => sum + entry, 0);
          while (model.size > max.maxEntries || bytes() > max.maxBytes)
            model.delete([...model.keys()][0] ?? "");
        } else if (does === "get") {
          const found = await at.get(name);
          const expected = model.get(id);
          expect(found?.length).toBe(expected === undefined ? undefined : expected - 1);
          if (expected !== undefined) {
            model.delete(id);
            model.set(id, expected);
          }
        } else if (does === "delete") {
          expect(await at.delete(name)).toBe(model.delete(id));
        } else {
          await at.deleteAll();
          for (const known of model.keys()) if (!below || known.startsWith("n/")) model.delete(known);
        }
      }
      const left: string[] = [];
      for await (const found of store.keys()) left.push(found);
      for await (const found of store.withNamespace("n").keys()) left.push(`n/${found}`);
      expect(left.toSorted()).toEqual([...model.keys()].toSorted());
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["maxEntries", 0],
  ["maxEntries", -1],
  ["maxBytes", Number.NaN],
])("E1 a %s of %d is refused", (option, limit) => {
  expect(() => memoryStore({ [option]: limit })).toThrow(RangeError);
  expect(() => memoryStore({ [option]: "5" })).toThrow(TypeError);
});
