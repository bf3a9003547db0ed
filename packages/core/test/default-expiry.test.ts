import { describe, expect, expectTypeOf, test } from "vitest";
import { createStore } from "../src/driver.ts";
import { type FullStore, getOrSet, json, type Store, typed, withDefaultExpiry } from "../src/index.ts";
import { mapDriver, textOf } from "./map-driver.ts";

function cached() {
  const driver = mapDriver();
  const store = createStore(driver);
  return { driver, store, cache: withDefaultExpiry(store, "1m") };
}

describe("withDefaultExpiry", () => {
  test("every write that names no lifetime gets it", async () => {
    const { driver, store, cache } = cached();
    expectTypeOf(cache).toEqualTypeOf(store);
    await cache.set("k", "v");
    await cache.set("k", "v", {});
    await cache.set("k", "v", { keepExpiry: false });
    await cache.setMany([["k", "v"]]);
    await cache.setIfAbsent("j", "v");
    await cache.compareAndSet("j", "v", "w");
    await cache.increment("n", { by: 2 });
    await cache.withNamespace("a").withNamespace("b").set("k", "v");
    expect(driver.calls).toEqual([
      "set 60000 []",
      "set 60000 []",
      "set 60000 []",
      "setMany 60000 []",
      "setIfAbsent 60000 []",
      "compareAndSet 60000 []",
      "increment 2 60000 []",
      'set 60000 ["a","b"]',
    ]);
  });

  test("a call that names one keeps it, and Infinity means none", async () => {
    const { driver, cache } = cached();
    await cache.set("k", "v", { expiresIn: 1 });
    await cache.set("k", "v", { expiresIn: Number.POSITIVE_INFINITY });
    await cache.set("k", "v", { keepExpiry: true });
    await cache.setMany([["k", "v"]], { keepExpiry: true });
    await cache.increment("n", { expiresIn: "1s" });
    expect(driver.calls).toEqual([
      "set 1000 []",
      "set Infinity []",
      "set keep []",
      "setMany keep []",
      "increment 1 1000 []",
    ]);
  });

  test("all else is the store's, which stays as it is", async () => {
    const { driver, store, cache } = cached();
    await store.set("k", "v");
    expect(driver.calls).toEqual(["set Infinity []"]);
    expect(textOf(await cache.get("k", { renewFor: "1s" }))).toBe("v");
    expect(textOf(await cache.take("k"))).toBe("v");
    expect(cache.withNamespace("a").namespace).toEqual(["a"]);
    await cache.close();
    await expect(store.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
  });

  test("of a typed view it is a typed view, and getOrSet keeps to it", async () => {
    const { driver, store, cache } = cached();
    const numbers = withDefaultExpiry(typed(store, json<number>()), "1m");
    await numbers.set("k", 1);
    await numbers.withNamespace("a").set("k", 1);
    expect(await getOrSet(numbers, "l", () => 2)).toBe(2);
    await getOrSet(cache, "m", () => "3");
    expect(await getOrSet(cache, "k", () => "no")).toEqual(await store.get("k"));
    expect(driver.calls.filter((call) => call.startsWith("set"))).toEqual([
      "set 60000 []",
      'set 60000 ["a"]',
      "set 60000 []",
      "set 60000 []",
    ]);
  });

  test("getOrSet on it and on the store compute once between them", async () => {
    const { store, cache } = cached();
    let computed = 0;
    const compute = async (): Promise<string> => `${++computed}`;
    await Promise.all([getOrSet(store, "k", compute), getOrSet(cache, "k", compute)]);
    expect(computed).toBe(1);
  });

  test("E1 refuses at once what is no duration or no store, and leaves wrong options to the store", async () => {
    const { store, cache } = cached();
    expect(() => withDefaultExpiry(store, 0)).toThrow(RangeError);
    expect(() => withDefaultExpiry(store, "soon" as never)).toThrow(TypeError);
    expect(() => withDefaultExpiry({} as never, "1m")).toThrow(TypeError);
    for (const options of [null, "1m", { expiresin: 1 }, { keepExpiry: "yes" }, { expiresIn: "soon" }]) {
      await expect(cache.set("k", "v", options as never)).rejects.toThrow(TypeError);
    }
    await expect(cache.set("k", "v", { expiresIn: 1, keepExpiry: true } as never)).rejects.toThrow(TypeError);
    expect(await store.exists("k")).toBe(false);
  });

  test("every write that a store has gets it, though the store has not all of a capability", async () => {
    const driver = mapDriver();
    const { take: _, getMany: __, ...store } = createStore(driver);
    const cache = withDefaultExpiry(store as Store as FullStore, "1m");
    await cache.setIfAbsent("j", "v");
    await cache.increment("n");
    await cache.setMany([["k", "v"]]);
    expect(driver.calls).toEqual(["setIfAbsent 60000 []", "increment 1 60000 []", "setMany 60000 []"]);
    expect(cache).not.toHaveProperty("take");
  });
});
