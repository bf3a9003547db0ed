import { type MemoryStore, type MemoryStoreOptions, memoryStore } from "@kv/memory";
import { bytesLaidDown, functionsEntered, promisesMade } from "@kv/test-support";
import { describe, expect, test } from "vitest";

// What a call costs, counted in what does not vary with the machine.

const value = new Uint8Array(5_000).fill(0xff);

describe.each([
  ["memoryStore()", {}],
  ["memoryStore({ maxEntries })", { maxEntries: 10 }],
])("%s", (_, options) => {
  const calls: Record<string, (store: ReturnType<typeof memoryStore>) => Promise<unknown>> = {
    get: (store) => store.get("k"),
    set: (store) => store.set("k", value, { expiresIn: "1h" }),
    "get that renews": (store) => store.get("k", { renewFor: "1h" }),
    touch: (store) => store.touch("k", "1h"),
    exists: (store) => store.exists("k"),
    expiresIn: (store) => store.expiresIn("k"),
    increment: (store) => store.increment("n"),
    setIfAbsent: (store) => store.setIfAbsent("k", "v"),
    getMany: (store) => store.getMany(["k", "l", "m"]),
    take: (store) => store.take("k"),
    delete: (store) => store.delete("k"),
  };

  for (const [name, call] of Object.entries(calls)) {
    test(`${name} costs one promise`, async () => {
      const store = memoryStore(options);
      await store.set("k", value, { expiresIn: "1h" });
      expect(await promisesMade(() => call(store))).toBe(1);
    });
  }

  test("an entry that expires costs one look at the clock, renewal included, and one that does not costs none", async () => {
    let looks = 0;
    const store = memoryStore({ ...options, now: () => (looks += 1) });
    await store.set("k", "v", { expiresIn: "1h" });
    await store.set("l", "v");
    const looksOf = async (call: () => Promise<unknown>): Promise<number> => {
      const before = looks;
      await call();
      return looks - before;
    };
    for (const [key, count] of [
      ["k", 1],
      ["l", 0],
      ["none", 0],
    ] as const) {
      expect(await looksOf(() => store.get(key))).toBe(count);
      expect(await looksOf(() => store.get(key, { renewFor: "1h" }))).toBe(count);
      expect(await looksOf(() => store.touch(key, "1h"))).toBe(count);
      expect(await looksOf(() => store.take(key))).toBe(count);
    }
  });

  test("set copies the bytes once, get and take copy them once, what needs no value copies none", async () => {
    const store = memoryStore(options);
    expect(bytesLaidDown(() => store.set("k", value))).toBe(5_000);
    expect(bytesLaidDown(() => store.get("k"))).toBe(5_000);
    expect(bytesLaidDown(() => store.touch("k", "1h"))).toBe(0);
    expect(bytesLaidDown(() => store.exists("k"))).toBe(0);
    expect(bytesLaidDown(() => store.delete("k"))).toBe(0);
    await store.set("k", value);
    expect(bytesLaidDown(() => store.take("k"))).toBe(5_000);
  });

  test("short values share an array: the next of about the same length makes none", async () => {
    const store = memoryStore(options);
    const short = value.subarray(0, 100);
    await store.set("a", short);
    expect(bytesLaidDown(() => store.set("b", short))).toBe(0);
    expect(bytesLaidDown(() => store.set("b", value.subarray(0, 98)))).toBe(0);
    expect(bytesLaidDown(() => store.get("b"))).toBe(98);
  });
});

describe.each<[string, MemoryStoreOptions, counts: readonly [number, number, number]]>([
  ["memoryStore()", {}, [5, 6, 7]],
  ["memoryStore({ maxEntries })", { maxEntries: 10 }, [8, 14, 15]],
])("%s", (_, options, [ofGet, ofSet, ofSetWithExpiry]) => {
  test.each<[string, number, call: (store: MemoryStore) => Promise<unknown>]>([
    ["get", ofGet, (store) => store.get("k")],
    ["set", ofSet, (store) => store.set("k", "v")],
    ["set with expiresIn", ofSetWithExpiry, (store) => store.set("k", "v", { expiresIn: "1h" })],
  ])("a warm %s enters at most %d functions of this package", async (__, count, call) => {
    const store = memoryStore(options);
    await store.set("k", "v");
    await call(store);
    const entered = await functionsEntered("memory", () => call(store));
    expect(entered.length, entered.join("\n")).toBeLessThanOrEqual(count);
  });
});
