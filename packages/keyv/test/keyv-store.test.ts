import { type FullStore, StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { type OpenBackend, testBackends } from "@kv/test-backends";
import fc from "fast-check";
import { Keyv, type KeyvOptions } from "keyv";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { keyvStore } from "../src/index.ts";

const newName = (): string => crypto.randomUUID();

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What was not sent, or was sent and not answered. */
const outage: unknown = expect.stringMatching(/^KV_(UNAVAILABLE|OUTCOME_UNKNOWN)$/);

/** What a Keyv iterates over, of which its type has that it may not. */
async function entriesOf(keyv: Keyv): Promise<[key: string, value: unknown][]> {
  if (keyv.iterator === undefined) throw new Error("This Keyv has no iterator.");
  return listed(keyv.iterator(undefined));
}

/** Every call of a Keyv's, by name. */
const calls: Readonly<Record<string, (keyv: Keyv) => Promise<unknown>>> = {
  get: (keyv) => keyv.get("k"),
  getRaw: (keyv) => keyv.getRaw("k"),
  getMany: (keyv) => keyv.getMany(["k", "l"]),
  getManyRaw: (keyv) => keyv.getManyRaw(["k", "l"]),
  set: (keyv) => keyv.set("k", 2),
  setMany: (keyv) => keyv.setMany([{ key: "k", value: 2 }]),
  has: (keyv) => keyv.has("k"),
  hasMany: (keyv) => keyv.hasMany(["k"]),
  delete: (keyv) => keyv.delete("k"),
  deleteMany: (keyv) => keyv.deleteMany(["k", "l"]),
  clear: (keyv) => keyv.clear(),
  iterator: (keyv) => entriesOf(keyv),
};

describe.each(testBackends)("on $name", ({ open }) => {
  let backend: OpenBackend;
  let store: FullStore;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.stop());

  const fresh = (): FullStore => {
    store = backend.store.withNamespace(newName());
    return store;
  };
  const newKeyv = (options: KeyvOptions = {}, over: FullStore = fresh()): Keyv =>
    new Keyv({ store: keyvStore(over), throwOnErrors: true, ...options });

  test("expiry is the store's, to the millisecond of the ttl", async () => {
    const keyv = newKeyv({ namespace: "n", useKeyPrefix: false });
    const entries = store.withNamespace("n");
    const beganMs = Date.now();
    await keyv.set("k", 1, 90_000);
    const left = (await entries.expiresIn("k")) ?? 0;
    expect(left).toBeGreaterThanOrEqual(90 - (Date.now() - beganMs + 5) / 1_000);
    expect(left).toBeLessThanOrEqual(90);
    await keyv.set("k", 2);
    expect(await entries.expiresIn("k")).toBe(Number.POSITIVE_INFINITY);
    await keyv.set("k", 3, 1);
    await expect.poll(() => entries.exists("k")).toBe(false);
    expect([await keyv.get("k"), await keyv.has("k")]).toEqual([undefined, false]);
  });

  test("a ttl of 0 or Infinity is no limit; one below 0 leaves nothing, the older value neither", async () => {
    const keyv = newKeyv();
    for (const ttl of [0, Number.POSITIVE_INFINITY]) {
      await keyv.set("k", ttl, ttl);
      expect(await store.withNamespace("keyv").expiresIn("keyv:k")).toBe(Number.POSITIVE_INFINITY);
    }
    expect(await keyv.set("k", "late", -1)).toBe(true);
    expect(await keyv.get("k")).toBeUndefined();
    await keyv.set("l", 1);
    await keyv.setMany([
      { key: "l", value: 2, ttl: -5 },
      { key: "m", value: 3, ttl: 60_000 },
    ]);
    expect(await keyv.getMany(["l", "m"])).toEqual([undefined, 3]);
  });

  test("a ttl beyond what a store takes counts as 1,000 years", async () => {
    const keyv = newKeyv({ namespace: "n", useKeyPrefix: false });
    await keyv.set("a", 1, 1e15);
    await keyv.setMany([
      { key: "b", value: 2, ttl: 1e15 },
      { key: "c", value: 3, ttl: Number.MAX_VALUE },
    ]);
    expect(await keyv.getMany(["a", "b", "c"])).toEqual([1, 2, 3]);
    for (const key of ["a", "b", "c"]) {
      const years = ((await store.withNamespace("n").expiresIn(key)) ?? 0) / (365.25 * 86_400);
      expect(years).toBeGreaterThan(999);
      expect(years).toBeLessThanOrEqual(1_000);
    }
    await expect(keyv.set("a", 1, Number.NaN)).rejects.toThrow(RangeError);
  });

  test("setMany keeps the ttl of each, and of a key given twice the last", async () => {
    const keyv = newKeyv({ namespace: "n", useKeyPrefix: false });
    const done = await keyv.setMany([
      { key: "a", value: 1, ttl: 1_000 },
      { key: "b", value: 2 },
      { key: "c", value: 3, ttl: 60_000 },
      { key: "a", value: 4, ttl: 90_000 },
    ]);
    expect(done).toEqual([true, true, true, true]);
    expect(await keyv.getMany(["a", "b", "c", "d"])).toEqual([4, 2, 3, undefined]);
    const left = await Promise.all(["a", "b", "c"].map((key) => store.withNamespace("n").expiresIn(key)));
    expect(left.map((seconds) => Math.ceil((seconds ?? 0) / 10) * 10)).toEqual([
      90,
      Number.POSITIVE_INFINITY,
      60,
    ]);
  });

  test("hasMany and deleteMany say what was there", async () => {
    const keyv = newKeyv();
    await keyv.setMany([
      { key: "a", value: 1 },
      { key: "b", value: null },
    ]);
    expect(await keyv.hasMany(["a", "b", "c"])).toEqual([true, true, false]);
    expect(await keyv.deleteMany(["a", "c"])).toBe(true);
    expect(await keyv.deleteMany(["a", "c"])).toBe(false);
    expect(await keyv.hasMany(["a", "b"])).toEqual([false, true]);
  });

  test("Keyvs with other namespaces share nothing, whatever the names and keys, nor does one without", async () => {
    const over = fresh();
    const names = ["a", undefined, "a:b", "a::b", "ab", "a*", ".."];
    const keys = ["k", "b:k", ":b:k", "a:k"];
    const keyvs = names.map((namespace) =>
      newKeyv({ useKeyPrefix: false, namespace: namespace as string }, over),
    );
    await Promise.all(
      keyvs.flatMap((keyv, at) => keys.map((key) => keyv.set(key, `${String(names[at])} ${key}`))),
    );
    const contents = async (keyv: Keyv): Promise<unknown> => new Map(await entriesOf(keyv));
    for (const [at, keyv] of keyvs.entries()) {
      const mine = keys.map((key): [string, string] => [key, `${String(names[at])} ${key}`]);
      expect(await keyv.getMany(keys)).toEqual(mine.map(([, value]) => value));
      expect(await contents(keyv)).toEqual(new Map(mine));
    }
    for (const [at, keyv] of keyvs.entries()) {
      await keyv.clear();
      const left = await Promise.all(keyvs.map(async (one) => (await entriesOf(one)).length));
      expect(left).toEqual(keyvs.map((_, other) => (other <= at ? 0 : keys.length)));
    }
  });

  test("with Keyv's own prefixes too, a namespace ends where it says", async () => {
    const over = fresh();
    const [a, ab, plain] = [
      newKeyv({ namespace: "a" }, over),
      newKeyv({ namespace: "a:b" }, over),
      newKeyv({ namespace: "a", useKeyPrefix: false }, over),
    ];
    await a.set("b:c", "a");
    await ab.set("c", "ab");
    expect([await a.get("b:c"), await ab.get("c"), await plain.get("b:c")]).toEqual(["a", "ab", undefined]);
    await ab.clear();
    expect([await a.get("b:c"), await ab.get("c")]).toEqual(["a", undefined]);
    expect(await entriesOf(a)).toEqual([["b:c", "a"]]);
  });

  test("another namespace given later is another place", async () => {
    const keyv = newKeyv({ namespace: "one" });
    await keyv.set("k", 1);
    keyv.namespace = "two";
    expect(await keyv.get("k")).toBeUndefined();
    keyv.namespace = "one";
    expect(await keyv.get("k")).toBe(1);
  });

  test("iterates over and clears more than a page, and an empty one", { timeout: 300_000 }, async () => {
    for (const namespace of ["n", undefined]) {
      const keyv = newKeyv({ useKeyPrefix: false, namespace: namespace as string });
      expect(await entriesOf(keyv)).toEqual([]);
      const entries = Array.from({ length: 260 }, (_, at) => ({ key: `k${at}`, value: at }));
      await keyv.setMany(entries);
      const found = await entriesOf(keyv);
      expect(found.length).toBeLessThan(2 * entries.length); // a server may list a key twice, and no more
      expect(new Map(found)).toEqual(new Map(entries.map(({ key, value }) => [key, value])));
      await keyv.clear();
      expect(await entriesOf(keyv)).toEqual([]);
    }
  });

  test("with throwOnErrors an outage rejects every call, and all is there after it", async () => {
    const keyv = newKeyv();
    await keyv.set("k", 1);
    await backend.fail();
    for (const [name, call] of Object.entries(calls)) {
      await expect(call(keyv), name).rejects.toMatchObject({ code: outage });
    }
    await backend.heal();
    await expect.poll(() => keyv.get("k").catch(() => undefined)).toBe(1);
  });

  test("without it, Keyv answers some calls with a miss or false, and every one of those has its event", async () => {
    const keyv = newKeyv({ throwOnErrors: false });
    const codes: string[] = [];
    keyv.on("error", (error: { code: string }) => codes.push(error.code));
    await backend.fail();
    const answers: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(calls)) {
      codes.length = 0;
      const answer = await call(keyv).catch((error: { code: string }) => `rejects ${error.code}`);
      answers[name] = [answer, ...codes];
    }
    await backend.heal();
    const rejects: unknown = expect.stringMatching(/^rejects KV_(UNAVAILABLE|OUTCOME_UNKNOWN)$/);
    const event = outage;
    expect(answers).toEqual({
      get: [undefined, event],
      getRaw: [rejects, event],
      getMany: [rejects],
      getManyRaw: [rejects],
      set: [false, event],
      setMany: [[false], event],
      has: [rejects],
      hasMany: [rejects],
      delete: [false, event],
      deleteMany: [false, event],
      clear: [undefined, event],
      iterator: [rejects],
    });
  });
});

test("in any order of calls it holds what a Keyv on a Map holds", async () => {
  const key = fc.constantFrom("a", "b", "", "a:b", "__proto__", "é");
  const value = fc.jsonValue();
  const step = fc.oneof(
    fc.tuple(fc.constant("set" as const), key, value),
    fc.tuple(fc.constant("setMany" as const), fc.array(fc.record({ key, value }), { maxLength: 4 })),
    fc.tuple(fc.constant("delete" as const), key),
    fc.tuple(fc.constant("deleteMany" as const), fc.array(key, { maxLength: 4 })),
    fc.tuple(fc.constant("clear" as const)),
  );
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 20 }), async (useKeyPrefix, steps) => {
      await using store = memoryStore();
      const keyv = new Keyv({ store: keyvStore(store), throwOnErrors: true, useKeyPrefix });
      const model = new Keyv({ useKeyPrefix });
      for (const [name, ...given] of steps) {
        for (const one of [keyv, model]) await Reflect.apply(one[name] as () => unknown, one, given);
        const keys = ["a", "b", "", "a:b", "__proto__", "é"];
        expect(await keyv.getMany(keys)).toEqual(await model.getMany(keys));
        expect(await keyv.hasMany(keys)).toEqual(await model.hasMany(keys));
      }
    }),
  );
});

describe("the store", () => {
  test("is found by name, keyv unless told", async () => {
    const root = memoryStore();
    const stores = new StoreRegistry({ root });
    for (const options of [{}, { name: "pages" }]) {
      const adapter = keyvStore(stores, options);
      await new Keyv(adapter, { namespace: "n", useKeyPrefix: false }).set("k", 1);
    }
    for (const name of ["keyv", "pages"]) {
      expect(await root.withNamespace(name).withNamespace("n").exists("k")).toBe(true);
    }
  });

  test("without what it needs, and what is no store, is refused at the start", () => {
    const { get, set, close, withNamespace } = memoryStore();
    const stores = new StoreRegistry({ stores: { keyv: { get, set, close, withNamespace } as never } });
    expect(() => keyvStore(stores)).toThrow(/A Keyv needs.*getMany.*keys.*"keyv" lacks/);
    expect(() => keyvStore(new Map() as never)).toThrow(TypeError);
    expect(() => keyvStore(memoryStore(), { closeStore: "yes" } as never)).toThrow(/true or false/);
    expect(() => keyvStore(memoryStore(), { namespace: "n" } as never)).toThrow(/no option "namespace"/);
  });

  test("is closed by disconnect only where told so", async () => {
    for (const closeStore of [undefined, false, true]) {
      const store = memoryStore();
      const keyv = new Keyv({ store: keyvStore(store, { closeStore }), throwOnErrors: true });
      await keyv.set("k", 1);
      await keyv.disconnect();
      if (closeStore === true) await expect(store.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
      else expect(await keyv.get("k")).toBe(1);
      await store.close();
    }
  });

  test("a namespace that cannot be is refused when Keyv is made", () => {
    const store = keyvStore(memoryStore());
    expect(() => new Keyv({ store, namespace: "n".repeat(256) })).toThrow(/1 to 255 bytes/);
    expect(() => new Keyv({ store, namespace: "\ud800" })).toThrow(/lone surrogate/);
  });
});

describe("what cannot be stored", () => {
  test("a value that is no text, or a ttl that is no time, is refused and nothing is written", async () => {
    const adapter = keyvStore(memoryStore(), { keyv: 5 });
    const bad: [unknown, number | undefined, RegExp][] = [
      [{ value: 1 }, undefined, /must give its store text, not object/],
      [new Uint8Array(2), undefined, /must give its store text/],
      ["text", Number.NaN, /ttl/],
    ];
    for (const [value, ttl, message] of bad) {
      await expect(adapter.set("k", value, ttl)).rejects.toThrow(message);
      const entries = [
        { key: "j", value: "good" },
        { key: "k", value, ...(ttl !== undefined && { ttl }) },
      ];
      await expect(adapter.setMany(entries)).rejects.toThrow(message);
    }
    expect(await adapter.hasMany(["j", "k"])).toEqual([false, false]);
  });

  test("bytes that somebody else stored are an error, not a miss", async () => {
    const store = memoryStore();
    await store.set("k", new Uint8Array([0xff]));
    const adapter = keyvStore(store);
    const listener = vi.fn<(error: unknown) => void>();
    adapter.on("error", listener).on("other", listener);
    await expect(adapter.get("k")).rejects.toMatchObject({ code: "KV_INVALID_VALUE" });
    await expect(adapter.getMany(["k"])).rejects.toMatchObject({ code: "KV_INVALID_VALUE" });
    expect(listener).toHaveBeenCalledOnce();
  });
});
