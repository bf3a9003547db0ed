import type { FullStore } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { type OpenBackend, testBackends } from "@kv/test-backends";
import fc from "fast-check";
import { Keyv as Keyv5 } from "keyv";
import { Keyv, type KeyvOptions, keyvStorageCapability } from "keyv-6";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type KeyvStore, keyvStore } from "../src/index.ts";

// What Keyv 6 asks of an adapter, by the Keyv and by the methods that it calls.

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const outage: unknown = expect.stringMatching(/^KV_(UNAVAILABLE|OUTCOME_UNKNOWN)$/);
const entries = [
  { key: "k", value: 2 },
  { key: "l", value: 3 },
];

/** Every call of a Keyv's, by name. */
const calls: Readonly<Record<string, (keyv: Keyv) => Promise<unknown>>> = {
  get: (keyv) => keyv.get("k"),
  getRaw: (keyv) => keyv.getRaw("k"),
  getMany: (keyv) => keyv.getMany(["k", "l"]),
  getManyRaw: (keyv) => keyv.getManyRaw(["k", "l"]),
  set: (keyv) => keyv.set("k", 2),
  setRaw: (keyv) => keyv.setRaw("k", { value: 2 }),
  setMany: (keyv) => keyv.setMany(entries),
  has: (keyv) => keyv.has("k"),
  hasMany: (keyv) => keyv.hasMany(["k", "l"]),
  delete: (keyv) => keyv.delete("k"),
  deleteMany: (keyv) => keyv.deleteMany(["k", "l"]),
  clear: (keyv) => keyv.clear(),
  iterator: (keyv) => listed(keyv.iterator()),
};

describe.each(testBackends)("on $name", ({ open }) => {
  let backend: OpenBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.stop());

  const fresh = (): FullStore => backend.store.withNamespace(crypto.randomUUID());
  const newKeyv = (options: KeyvOptions = {}, over: FullStore = fresh()): Keyv =>
    new Keyv({ store: keyvStore(over), ...options });
  /** An adapter as Keyv 6 has it. */
  const newAdapter = (over: FullStore = fresh()): KeyvStore => newKeyv({}, over).store as KeyvStore;

  test("sets, gets, finds and deletes one", async () => {
    for (const at of [newKeyv(), newAdapter()]) {
      expect([await at.get("k"), await at.has("k"), await at.delete("k")]).toEqual([undefined, false, false]);
      expect(await at.set("k", "text")).toBe(true);
      expect([await at.get("k"), await at.has("k"), await at.delete("k")]).toEqual(["text", true, true]);
      expect([await at.get("k"), await at.has("k"), await at.delete("k")]).toEqual([undefined, false, false]);
    }
  });

  test("sets, gets, finds and deletes many, and says of each whether it was there", async () => {
    for (const at of [newKeyv(), newAdapter()]) {
      for (const call of ["getMany", "hasMany", "setMany", "deleteMany"] as const) {
        expect(await at[call]([]), call).toEqual([]);
      }
      const texts = ["a", "b", "c"].map((key) => ({ key, value: `text of ${key}` }));
      expect(await at.setMany(texts)).toEqual([true, true, true]);
      expect(await at.getMany(["a", "x", "c"])).toEqual(["text of a", undefined, "text of c"]);
      expect(await at.hasMany(["a", "x", "c"])).toEqual([true, false, true]);
      expect(await at.deleteMany(["a", "x", "c", "a"])).toEqual([true, false, true, false]);
      expect(await at.deleteMany(["a", "x"])).toEqual([false, false]);
      expect(await at.hasMany(["a", "b", "c"])).toEqual([false, true, false]);
    }
  });

  test("expiry is the store's, to the millisecond of the ttl", async () => {
    const over = fresh();
    const keyv = newKeyv({ namespace: "n" }, over);
    const at = over.withNamespace("n");
    const beganMs = Date.now();
    await keyv.set("k", 1, 90_000);
    const left = (await at.expiresIn("k")) ?? 0;
    expect(left).toBeGreaterThanOrEqual(90 - (Date.now() - beganMs + 5) / 1_000);
    expect(left).toBeLessThanOrEqual(90);
    await keyv.set("k", 2);
    expect(await at.expiresIn("k")).toBe(Number.POSITIVE_INFINITY);
    await keyv.set("k", 3, 1);
    await expect.poll(() => at.exists("k")).toBe(false);
    expect([await keyv.get("k"), await keyv.has("k"), await listed(keyv.iterator())]).toEqual([
      undefined,
      false,
      [],
    ]);
    await newAdapter(at).set("k", "text", Date.now() + 5);
    await expect.poll(() => at.exists("k")).toBe(false);
  });

  test("setMany keeps the ttl of each, and of a key given twice the last", async () => {
    const over = fresh();
    const keyv = newKeyv({ ttl: 30_000 }, over);
    await keyv.setMany([
      { key: "a", value: 1, ttl: 1_000 },
      { key: "b", value: 2 },
      { key: "c", value: 3, ttl: 60_000 },
      { key: "a", value: 4, ttl: 90_000 },
    ]);
    expect(await keyv.getMany(["a", "b", "c", "d"])).toEqual([4, 2, 3, undefined]);
    const left = await Promise.all(["a", "b", "c"].map((key) => over.expiresIn(key)));
    expect(left.map((seconds) => Math.ceil((seconds ?? 0) / 10) * 10)).toEqual([90, 30, 60]);
  });

  test("a time that is over leaves nothing to read, the older value neither, and is no error", async () => {
    const over = fresh();
    const keyv = newKeyv({}, over);
    const adapter = keyv.store as KeyvStore;
    const past = [Date.now() - 1, 60_000, 1, 0.5, 0, -1, -1e300];
    for (const expires of past) {
      await adapter.setMany(["k", "l", "m", "n"].map((key) => ({ key, value: "old" })));
      expect(await adapter.set("k", "late", expires)).toBe(true);
      expect(await adapter.setMany([{ key: "l", value: "late", expires }])).toEqual([true]);
      expect(await keyv.setRaw("m", { value: "late", expires })).toBe(true);
      expect(await keyv.setManyRaw([{ key: "n", value: { value: "late", expires } }])).toEqual([true]);
      expect(await keyv.getMany(["k", "l", "m", "n"]), `${expires}`).toEqual(
        [1, 2, 3, 4].map(() => undefined),
      );
      expect(await over.exists("k"), `${expires}`).toBe(false);
      expect(await over.exists("l"), `${expires}`).toBe(false);
    }
    await adapter.set("k", "text");
    await adapter.set("k", "late", Number.NEGATIVE_INFINITY);
    expect(await adapter.has("k")).toBe(false);
  });

  test("a time that never comes is no limit, and one that is far away is in 1,000 years", async () => {
    const over = fresh();
    const adapter = newAdapter(over);
    const thousandYears = 1_000 * 365.25 * 86_400;
    const beganMs = Date.now();
    const seconds: [unknown, number][] = [
      [undefined, Number.POSITIVE_INFINITY],
      [null, Number.POSITIVE_INFINITY],
      [Number.NaN, Number.POSITIVE_INFINITY],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      [8.64e15, thousandYears],
      [Number.MAX_SAFE_INTEGER, thousandYears],
      [Number.MAX_VALUE, thousandYears],
      [beganMs + 3_600_000.5, 3_600],
    ];
    for (const [given, left] of seconds) {
      const expires = given as number;
      await adapter.set("k", "text", 1_000 + Date.now());
      expect(await adapter.set("k", "text", expires)).toBe(true);
      expect(await adapter.setMany([{ key: "l", value: "text", expires }])).toEqual([true]);
      for (const key of ["k", "l"]) {
        const found = (await over.expiresIn(key)) ?? 0;
        if (left === Number.POSITIVE_INFINITY) expect(found, `${expires}`).toBe(left);
        else {
          const mostS = (Date.now() - beganMs + 5) / 1_000;
          expect(found, `${expires}`).toBeGreaterThanOrEqual(left - mostS);
          expect(found, `${expires}`).toBeLessThanOrEqual(left + 0.005);
        }
      }
    }
    const keyv = newKeyv();
    for (const ttl of [
      Number.MAX_SAFE_INTEGER,
      Number.MAX_VALUE,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      0,
      -5,
    ]) {
      expect(await keyv.set("k", ttl.toString(), ttl)).toBe(true);
      expect(await keyv.get("k")).toBe(ttl.toString());
    }
    expect(await keyv.setRaw("k", { value: 1, expires: Number.MAX_VALUE })).toBe(true);
    expect(await keyv.get("k")).toBe(1);
  });

  test("a time that is no number, or a value that is no text, is refused and nothing is written", async () => {
    const adapter = newAdapter();
    await expect(adapter.set("k", "text", "2030-01-01" as never)).rejects.toThrow(/expires must be a number/);
    const bad = [
      { key: "j", value: "text" },
      { key: "k", value: "text", expires: new Date() as never },
    ];
    await expect(adapter.setMany(bad)).rejects.toThrow(/expires must be a number/);
    await expect(adapter.set("k", { value: 1 })).rejects.toThrow(/must give its store text, not object/);
    const keyv = newKeyv({ serialization: false });
    await expect(keyv.set("k", 1)).rejects.toThrow(/must give its store text/);
    expect(await adapter.hasMany(["j", "k"])).toEqual([false, false]);
  });

  test("namespaces share nothing, whatever the names and keys, nor does a Keyv without one", async () => {
    const over = fresh();
    const names = ["a", undefined, "a:b", "a::b", "ab", "a*", ".."];
    const keys = ["k", "b:k", ":b:k", "a:k", "a::k"];
    const keyvs = names.map((namespace) => newKeyv(namespace === undefined ? {} : { namespace }, over));
    const mine = (at: number) => keys.map((key): [string, string] => [key, `${String(names[at])} ${key}`]);
    await Promise.all(
      keyvs.flatMap((keyv, at) => mine(at).map(async ([key, value]) => keyv.set(key, value))),
    );
    for (const [at, keyv] of keyvs.entries()) {
      expect(await keyv.getMany(keys)).toEqual(mine(at).map(([, value]) => value));
      expect(new Map(await listed(keyv.iterator()))).toEqual(new Map(mine(at)));
    }
    for (const [at, keyv] of keyvs.entries()) {
      await keyv.delete("k");
      await keyv.clear();
      const left = await Promise.all(keyvs.map(async (one) => (await listed(one.iterator())).length));
      expect(left).toEqual(keyvs.map((_, other) => (other <= at ? 0 : keys.length)));
    }
  });

  test("another namespace given later is another place, and can be given to the adapter itself", async () => {
    const keyv = newKeyv({ namespace: "one" });
    await keyv.set("k", 1);
    keyv.namespace = "two";
    expect(await keyv.get("k")).toBeUndefined();
    keyv.store.namespace = "one";
    expect(await keyv.get("k")).toBe(1);
    const adapter = keyvStore(fresh());
    expect(adapter.namespace).toBeUndefined();
    adapter.namespace = "three";
    expect([adapter.namespace, new Keyv(adapter).namespace]).toEqual(["three", "three"]);
    adapter.namespace = undefined;
    expect(adapter.namespace).toBeUndefined();
  });

  test("iterates over and clears more than a page, and an empty one", async () => {
    for (const options of [{ namespace: "n" }, {}]) {
      const keyv = newKeyv(options);
      expect(await listed(keyv.iterator())).toEqual([]);
      const many = Array.from({ length: 260 }, (_, at) => ({ key: `k${at}`, value: at }));
      await keyv.setMany(many);
      const found = new Map(await listed(keyv.iterator()));
      expect(found).toEqual(new Map(many.map(({ key, value }) => [key, value])));
      await keyv.clear();
      expect(await listed(keyv.iterator())).toEqual([]);
    }
  });

  test("where nobody listens an outage rejects every call, and all is there after it", async () => {
    const keyv = newKeyv();
    await keyv.set("k", 1);
    await backend.fail();
    for (const [name, call] of Object.entries(calls)) {
      await expect(call(keyv), name).rejects.toMatchObject({ code: outage });
    }
    await backend.heal();
    await expect.poll(() => keyv.get("k").catch(() => undefined)).toBe(1);
  });

  test("where somebody listens Keyv answers with a miss or false, and each answer has one event", async () => {
    const keyv = newKeyv();
    const codes: string[] = [];
    keyv.on("error", (error: { code: string }) => codes.push(error.code));
    await backend.fail();
    const answers: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(calls)) {
      codes.length = 0;
      answers[name] = [await call(keyv), ...codes];
    }
    await backend.heal();
    expect(answers).toEqual({
      get: [undefined, outage],
      getRaw: [undefined, outage],
      getMany: [[undefined, undefined], outage],
      getManyRaw: [[undefined, undefined], outage],
      set: [false, outage],
      setRaw: [false, outage],
      setMany: [[false, false], outage],
      has: [false, outage],
      hasMany: [[false, false], outage],
      delete: [false, outage],
      deleteMany: [[false, false], outage],
      clear: [undefined, outage],
      iterator: [[], outage],
    });
  });
});

test("it says of itself what Keyv finds out", () => {
  const adapter = keyvStore(memoryStore());
  expect(adapter.capabilities).toEqual(keyvStorageCapability(adapter));
  expect(adapter.capabilities.compatible).toBe(true);
});

test("disconnect closes the store only where told so", async () => {
  for (const closeStore of [false, true]) {
    const store = memoryStore();
    const keyv = new Keyv(keyvStore(store, { closeStore }));
    await keyv.disconnect();
    if (closeStore) await expect(keyv.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
    else expect(await keyv.set("k", 1)).toBe(true);
  }
});

describe("values", () => {
  const values: unknown[] = [
    false,
    null,
    undefined,
    0,
    "",
    ":text",
    `"double" and 'single'`,
    { nested: { array: [1, "é", null] } },
    10n ** 20n,
    Buffer.from([0, 255, 128, 10]),
    { buffer: Buffer.from("text") },
  ];

  test.each(values.map((value) => ({ value })))("$value comes back", async ({ value }) => {
    const keyv = new Keyv(keyvStore(memoryStore()));
    const model = new Keyv();
    for (const one of [keyv, model]) await one.set("'k'", value);
    expect(await keyv.get("'k'")).toEqual(await model.get("'k'"));
    expect(await keyv.has("'k'")).toBe(true);
  });

  test("comes back through serialization, compression and encryption of one's own", async () => {
    const store = memoryStore();
    const flip = (text: string) => [...text].toReversed().join("");
    const hex = (text: string) => Buffer.from(text).toString("hex");
    const unhex = (text: string) => Buffer.from(text, "hex").toString();
    const keyv = new Keyv({
      store: keyvStore(store),
      serialization: { stringify: JSON.stringify, parse: JSON.parse },
      compression: {
        compress: async (text: string) => flip(text),
        decompress: async (text: string) => flip(text),
      },
      encryption: { encrypt: hex, decrypt: unhex },
    });
    await keyv.set("k", { some: "value" }, 60_000);
    expect(await keyv.get("k")).toEqual({ some: "value" });
    expect(Buffer.from((await store.get("k")) ?? []).toString()).toMatch(/^[0-9a-f]+$/);
    expect(await store.expiresIn("k")).toBeGreaterThan(50);
  });
});

test("a Keyv 5 and a Keyv 6 read each other's entries in one namespace, without prefixes", async () => {
  const store = memoryStore();
  const five = new Keyv5({ store: keyvStore(store), namespace: "n", useKeyPrefix: false });
  const six = new Keyv({ store: keyvStore(store), namespace: "n" });
  const value = { text: ":a", list: [1, null], bytes: Buffer.from([0, 255]) };
  await five.set("five", value, 60_000);
  await six.set("six", value, 60_000);
  const plain = (found: unknown) =>
    JSON.stringify(found, (_, one) => (one instanceof Uint8Array ? [...one] : one));
  expect(plain(await six.get("five"))).toBe(plain(await six.get("six")));
  expect(plain(await five.get("six"))).toBe(plain(await five.get("five")));
  expect(await six.delete(["five", "six", "seven"])).toEqual([true, true, false]);
  expect(await five.has(["five", "six"])).toEqual([false, false]);
});

test("in any order of calls it answers as a Keyv on a Map does", async () => {
  const key = fc.constantFrom("a", "b", "", "a:b", "__proto__", "é");
  const value = fc.jsonValue();
  const step = fc.oneof(
    fc.tuple(fc.constant("set" as const), key, value),
    fc.tuple(fc.constant("setMany" as const), fc.array(fc.record({ key, value }), { maxLength: 4 })),
    fc.tuple(fc.constant("delete" as const), key),
    fc.tuple(fc.constant("deleteMany" as const), fc.array(key, { maxLength: 4 })),
    fc.tuple(fc.constant("clear" as const)),
  );
  const keys = ["a", "b", "", "a:b", "__proto__", "é"];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      await using store = memoryStore();
      const pair = [new Keyv(keyvStore(store)), new Keyv()] as const;
      for (const [name, ...given] of steps) {
        const [ours, theirs] = await Promise.all(
          pair.map(async (one) => Reflect.apply(one[name] as () => unknown, one, given)),
        );
        expect(ours, name).toEqual(theirs);
        const [held, modelled] = await Promise.all(
          pair.map(async (one) => [await one.getMany(keys), await one.hasMany(keys)]),
        );
        expect(held).toEqual(modelled);
      }
    }),
  );
});
