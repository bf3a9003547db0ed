import { beforeEach, describe, expect, test } from "vitest";
import { createStore, type StoreOver } from "../src/driver.ts";
import { type MapDriver, mapDriver, textOf } from "./map-driver.ts";

let driver: MapDriver;
let store: StoreOver<MapDriver>;

beforeEach(() => {
  driver = mapDriver();
  store = createStore(driver);
});

const half = "half a \ud83d";

/** A store as JavaScript sees it: any call goes. */
type AnyCalls = Record<keyof StoreOver<MapDriver>, (...anything: unknown[]) => unknown>;

// biome-ignore format: a table
const mistakes: [call: string, kind: ErrorConstructor, says: RegExp, make: (s: AnyCalls) => unknown][] = [
  ["get of a number", TypeError, /key must be a string, not a number/, (s) => s.get(5)],
  ["get of nothing", TypeError, /not undefined/, (s) => s.get()],
  ["get of half a character", TypeError, /lone surrogate/, (s) => s.get(half)],
  ["get with a number for options", TypeError, /Options must be an object, like \{ renewFor/, (s) => s.get("k", 60)],
  ["get with null for options", TypeError, /null/, (s) => s.get("k", null)],
  ["get with an unknown option", TypeError, /no option "renew".*renewFor/, (s) => s.get("k", { renew: 5 })],
  ["get renewed for 0", RangeError, /renewFor/, (s) => s.get("k", { renewFor: 0 })],
  ["set of no value", TypeError, /value must be a string or a Uint8Array, not undefined/, (s) => s.set("k")],
  ["set of an object", TypeError, /an object of Object type.*typed/, (s) => s.set("k", { a: 1 })],
  ["set of an ArrayBuffer", TypeError, /ArrayBuffer/, (s) => s.set("k", new ArrayBuffer(1))],
  ["set of half a character", TypeError, /lone surrogate/, (s) => s.set("k", half)],
  ["set with a number for options", TypeError, /expiresIn/, (s) => s.set("k", "v", 60)],
  ["set with another library's option", TypeError, /no option "ttl".*expiresIn, keepExpiry/, (s) => s.set("k", "v", { ttl: 60 })],
  ["set with text without a unit", TypeError, /number and a unit/, (s) => s.set("k", "v", { expiresIn: "60" })],
  ["set for a negative duration", RangeError, /longer than 0/, (s) => s.set("k", "v", { expiresIn: -1 })],
  ["set with both", TypeError, /exclude each other/, (s) => s.set("k", "v", { expiresIn: 1, keepExpiry: true })],
  ["set with keepExpiry of another type", TypeError, /true or false/, (s) => s.set("k", "v", { keepExpiry: "yes" })],
  ["touch for nothing", TypeError, /renewFor/, (s) => s.touch("k")],
  ["delete of a symbol", TypeError, /symbol/, (s) => s.delete(Symbol("k"))],
  ["exists of null", TypeError, /null/, (s) => s.exists(null)],
  ["expiresIn of an array", TypeError, /an array/, (s) => s.expiresIn(["k"])],
  ["getMany of one key", TypeError, /keys must be an iterable/, (s) => s.getMany("k")],
  ["getMany of null", TypeError, /keys must be an iterable/, (s) => s.getMany(null)],
  ["getMany with a wrong key at the end", TypeError, /key/, (s) => s.getMany(["a", 5])],
  ["setMany with a wrong value at the end", TypeError, /value/, (s) => s.setMany([["a", "1"], ["b", 5]])],
  ["setMany of keys", TypeError, /pair \[key, value\]/, (s) => s.setMany(["a", "b"])],
  ["setMany of texts of two letters", TypeError, /pair \[key, value\]/, (s) => s.setMany(["kv"])],
  ["setMany of triples", TypeError, /pair \[key, value\]/, (s) => s.setMany([["a", "1", "2"]])],
  ["setMany of an object", TypeError, /iterable/, (s) => s.setMany({ a: "1" })],
  ["deleteMany with half a character", TypeError, /surrogate/, (s) => s.deleteMany(["a", half])],
  ["increment by text", TypeError, /by must be a number/, (s) => s.increment("k", { by: "1" })],
  ["increment by a fraction", RangeError, /safe integer/, (s) => s.increment("k", { by: 0.5 })],
  ["increment by too much", RangeError, /safe integer/, (s) => s.increment("k", { by: 2 ** 53 })],
  ["increment by a bare number", TypeError, /Options/, (s) => s.increment("k", 2)],
  ["setIfAbsent with keepExpiry", TypeError, /keepExpiry/, (s) => s.setIfAbsent("k", "v", { keepExpiry: true })],
  ["compareAndSet without a value", TypeError, /A value must be/, (s) => s.compareAndSet("k", "v")],
  ["compareAndDelete of a number", TypeError, /expected value must be/, (s) => s.compareAndDelete("k", 5)],
];

describe("E1 a mistake in the call", () => {
  test.each(mistakes)("E1 %s rejects, and the driver is not asked", async (_call, kind, says, make) => {
    const answer = make(store as unknown as AnyCalls);
    expect(answer).toBeInstanceOf(Promise);
    const error: unknown = await (answer as Promise<unknown>).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(says);
    expect(driver.calls).toEqual([]);
  });

  // biome-ignore format: a table
  test.each<[name: unknown, kind: ErrorConstructor]>([
    ["", RangeError], ["a".repeat(256), RangeError], ["é".repeat(128), RangeError], [half, TypeError], [5, TypeError], [undefined, TypeError],
  ])("N3 withNamespace(%j) throws", (name, kind) => {
    expect(() => store.withNamespace(name as string)).toThrow(kind);
    expect(() => store.withNamespace(name as string)).toThrow(/^The name of a namespace/);
  });

  test("N3 a name may have 255 bytes", () => {
    expect(store.withNamespace("é".repeat(127) + "a").namespace).toHaveLength(1);
  });

  test("E2 no message shows a value", async () => {
    const secret = "hunter2";
    for (const wrong of [
      () => store.set("k", { secret } as never),
      () => store.set("k", [secret] as never),
    ]) {
      await expect(wrong()).rejects.not.toThrow(secret);
    }
  });
});

test("A1 to increment by -0 is to increment by 0", async () => {
  expect(await store.increment("k", { by: -0 })).toEqual({ value: 0, expiresIn: Number.POSITIVE_INFINITY });
});

describe("S5 batches", () => {
  test("S5 of a key given twice the last value counts, and its deletion counts once", async () => {
    await store.setMany([
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ]);
    expect((await store.getMany(["a", "b", "c", "a"])).map(textOf)).toEqual(["3", "2", undefined, "3"]);
    expect(await store.deleteMany(["a", "a", "c"])).toBe(1);
  });

  test("S5 any iterable will do", async () => {
    await store.setMany(new Map([["a", "1"]]));
    expect((await store.getMany(new Set(["a"]))).map(textOf)).toEqual(["1"]);
    expect(await store.deleteMany(new Map([["a", 0]]).keys())).toBe(1);
  });
});
