import { createRequire } from "node:module";
import { inspect } from "node:util";
import { memoryStore } from "@kv/memory";
import { Keyv as Keyv5, type KeyvStoreAdapter } from "keyv";
import { detectKeyvStorage, Keyv as Keyv6, KeyvBridgeAdapter, type KeyvStorageAdapter } from "keyv-6";
import { describe, expect, test } from "vitest";
import { type KeyvStore, keyvStore } from "../src/index.ts";

/** What the versions have in common. */
type AnyKeyv = Pick<Keyv5, "store" | "set" | "setMany">;
type NewKeyv = new (store?: unknown, options?: { namespace: string; useKeyPrefix: boolean }) => AnyKeyv;

const load = createRequire(import.meta.url);
const loaded = (name: string): unknown => (load(name) as { Keyv: unknown }).Keyv;

/** Each version twice: as a module, and as CommonJS, which is a copy of its own. */
const copies = [
  { name: "Keyv 5", Keyv: Keyv5 as NewKeyv },
  { name: "another Keyv 5", Keyv: loaded("keyv") as NewKeyv },
  { name: "Keyv 6", Keyv: Keyv6 as NewKeyv },
  { name: "another Keyv 6", Keyv: loaded("keyv-6") as NewKeyv },
] as const;

test("the type is what both versions take", () => {
  const adapter = keyvStore(memoryStore());
  const five: KeyvStoreAdapter = adapter;
  const six: KeyvStorageAdapter = adapter;
  expect([five, six]).toEqual([adapter, adapter]);
});

test("several Keyvs in a process, of both versions and of copies of them, each give a minute", async () => {
  const store = memoryStore();
  expect(new Set(copies.map(({ Keyv }) => Keyv)).size).toBe(4);
  const keyvs = copies.map(({ Keyv, name }) => {
    const adapter = keyvStore(store);
    const options = { namespace: name, useKeyPrefix: false };
    return { name, adapter, keyv: new Keyv(adapter, options) };
  });
  for (const { keyv } of keyvs) {
    await keyv.set("k", 1, 60_000);
    await keyv.setMany([{ key: "m", value: 1, ttl: 60_000 }]);
  }
  for (const { name, adapter, keyv } of keyvs) {
    expect(keyv.store, "it is used as it is").toBe(adapter);
    for (const key of ["k", "m"]) expect(await left(store, name, key), `${name}: ${key}`).toBe(60);
  }
});

test.each(copies)("$name is known too where it takes the adapter later", async ({ Keyv }) => {
  const store = memoryStore();
  const keyv = new Keyv({ namespace: "n", useKeyPrefix: false });
  keyv.store = keyvStore(store);
  await keyv.set("k", 1, 60_000);
  expect(await left(store, "n", "k")).toBe(60);
});

test.each([5, 6] as const)("which one calls can be told: %i", async (keyv) => {
  const store = memoryStore();
  const adapter = keyvStore(store, { keyv });
  const minute = keyv === 5 ? 60_000 : Date.now() + 60_000;
  await adapter.set("k", "v", minute);
  expect(await left(store, undefined, "k")).toBe(60);
  expect(await adapter.deleteMany(["k", "l"])).toEqual(keyv === 5 ? true : [true, false]);
  expect(() => keyvStore(store, { keyv: 7 } as never)).toThrow(/keyv must be 5 or 6/);
});

describe("with no Keyv that was told or has taken it", () => {
  test("what both versions mean alike is done", async () => {
    const adapter = keyvStore(memoryStore());
    expect(await adapter.set("k", "v")).toBe(true);
    expect([await adapter.get("k"), await adapter.has("k")]).toEqual(["v", true]);
    expect(await adapter.delete("k")).toBe(true);
  });

  test("entries of setMany say by name what is a ttl and what a time", async () => {
    const store = memoryStore();
    await keyvStore(store).setMany([
      { key: "a", value: "v", ttl: 60_000 },
      { key: "b", value: "v", expires: Date.now() + 60_000 },
      { key: "c", value: "v" },
    ]);
    const all = await Promise.all(["a", "b", "c"].map((key) => left(store, undefined, key)));
    expect(all).toEqual([60, 60, Number.POSITIVE_INFINITY]);
  });

  test("a number for set, and deleteMany, are refused, and nothing is done", async () => {
    const adapter = keyvStore(memoryStore());
    await adapter.set("k", "v");
    for (const end of [60_000, Date.now() + 60_000, 0, -1, Number.POSITIVE_INFINITY]) {
      await expect(adapter.set("k", "w", end)).rejects.toThrow(TypeError);
    }
    await expect(adapter.set("k", "w", 60_000)).rejects.toThrow(/60000 is a ttl or a time.*keyv: 6/);
    await expect(adapter.deleteMany(["k"])).rejects.toThrow(TypeError);
    expect(await adapter.get("k")).toBe("v");
  });

  test("one between that hides it is refused a ttl, and gets it where it is told", async () => {
    const store = memoryStore();
    const hidden = new Keyv6(new KeyvBridgeAdapter(keyvStore(store) as never));
    await expect(hidden.set("k", 1, 60_000)).rejects.toThrow(/a ttl or a time/);
    expect(await store.exists("k")).toBe(false);
    const told = new Keyv6(new KeyvBridgeAdapter(keyvStore(store, { keyv: 5 }) as never));
    await told.set("k", 1, 60_000);
    expect(await left(store, undefined, "k")).toBe(60);
  });
});

describe("an adapter never changes its mind", () => {
  test("by being looked at, copied, compared or found out about", async () => {
    const store = memoryStore();
    for (const { Keyv, name } of copies) {
      const adapter = keyvStore(store);
      inspect(adapter, { showHidden: true, depth: 5 });
      expect({ ...adapter }).not.toHaveProperty("opts");
      for (const key in adapter) expect(["opts", "capabilities"]).not.toContain(key);
      expect(detectKeyvStorage(adapter).store).toBe("keyvStorage");
      const keyv = new Keyv(adapter, { namespace: name, useKeyPrefix: false });
      inspect(adapter);
      expect(JSON.stringify(adapter)).not.toContain("redis");
      await keyv.set("k", 1, 60_000);
      expect(await left(store, name, "k")).toBe(60);
    }
  });

  test("given to a Keyv 6 after a Keyv 5, it is given ttls by both", async () => {
    const store = memoryStore();
    const adapter = keyvStore(store);
    const options = { namespace: "n", useKeyPrefix: false };
    const [five, six] = [new Keyv5(adapter, options), new Keyv6(adapter, { namespace: "n" })];
    await five.set("five", 1, 60_000);
    await six.set("six", 1, 60_000);
    expect([await left(store, "n", "five"), await left(store, "n", "six")]).toEqual([60, 60]);
  });

  test.each<[string, () => KeyvStore]>([
    ["that of a Keyv 6", () => new Keyv6(keyvStore(memoryStore())).store as KeyvStore],
    ["told to be for a Keyv 6", () => keyvStore(memoryStore(), { keyv: 6 })],
  ])("%s, it is refused to a Keyv 5", (_, make) => {
    const adapter = make();
    expect(() => new Keyv5(adapter)).toThrow(/make one for each Keyv/);
    const keyv = new Keyv5();
    expect(() => {
      keyv.store = adapter;
    }).toThrow(/make one for each Keyv/);
  });
});

/** The seconds that an entry has left, to the next ten. */
async function left(
  store: ReturnType<typeof memoryStore>,
  namespace: string | undefined,
  key: string,
): Promise<number> {
  const at = namespace === undefined ? store : store.withNamespace(namespace);
  return Math.ceil(((await at.expiresIn(key)) ?? 0) / 10) * 10;
}
