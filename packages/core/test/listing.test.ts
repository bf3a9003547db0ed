import { describe, expect, expectTypeOf, test } from "vitest";
import { createStore } from "../src/driver.ts";
import { type Bytes, json, StoreError, typed } from "../src/index.ts";
import { type MapNamespace, mapDriver, textOf } from "./map-driver.ts";

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const wellFormed = ["", "a", "ab", "a*", "a?", "[a]", "A", "á", "😀", "😀b", "a/b", "b"];

describe("N6 keys({ prefix })", () => {
  test.each(wellFormed)("lists the keys that begin with %j, and no others", async (prefix) => {
    const store = createStore(mapDriver());
    await store.setMany(wellFormed.map((key) => [key, "v"]));
    expect(await listed(store.keys({ prefix }))).toEqual(wellFormed.filter((key) => key.startsWith(prefix)));
  });

  test("tells the driver, which may narrow its search", async () => {
    const driver = mapDriver();
    const asked: string[] = [];
    const keys = async function* (prefix: string): AsyncGenerator<string[]> {
      asked.push(prefix);
      yield ["user:1", "order:1"];
    };
    const store = createStore({ ...driver, root: { ...driver.root, keys } });
    expect(await listed(store.keys({ prefix: "user:" }))).toEqual(["user:1"]);
    expect(await listed(store.keys())).toEqual(["user:1", "order:1"]);
    expect(asked).toEqual(["user:", ""]);
  });

  test.each([{ prefix: 5 }, { prefix: "\ud83d" }, { prefx: "a" }, "a", null])(
    "E1 refuses %j",
    async (options) => {
      const store = createStore(mapDriver());
      await expect(listed(store.keys(options as never))).rejects.toThrow(TypeError);
      await expect(listed(store.entries(options as never))).rejects.toThrow(TypeError);
    },
  );
});

test("N6 namespaces lists the children that hold something", async () => {
  const store = createStore(mapDriver());
  for (const name of ["a", "b"]) await store.withNamespace(name).set("k", "v");
  await store.withNamespace("a").withNamespace("c").set("k", "v");
  expect(await listed(store.namespaces())).toEqual(["a", "b"]);
});

describe("N6 entries", () => {
  test("lists every key with its value, all or those with a prefix", async () => {
    const store = createStore(mapDriver());
    const keys = Array.from({ length: 2_000 }, (_, n) => `${n % 2 === 0 ? "even" : "odd"}:${n}`);
    await store.setMany(keys.map((key) => [key, `of ${key}`]));
    const all = await listed(store.entries());
    expectTypeOf(all).toEqualTypeOf<[key: string, value: Bytes][]>();
    expect(all.map(([key, value]) => [key, textOf(value)])).toEqual(keys.map((key) => [key, `of ${key}`]));
    expect(await listed(store.entries({ prefix: "odd:" }))).toHaveLength(1_000);
  });

  test("leaves out what goes meanwhile", async () => {
    const store = createStore(mapDriver());
    await store.setMany(["a", "b", "c"].map((key) => [key, "v"]));
    const found: string[] = [];
    for await (const [key] of store.entries()) {
      found.push(key);
      await store.delete("c");
    }
    expect(found).toEqual(["a", "b"]);
  });

  test("holds some megabytes at a time, or one value where that is larger", async () => {
    const driver = mapDriver();
    let held = 0;
    let most = 0;
    const size = 1024 * 1024;
    const get: MapNamespace["get"] = () => {
      held += 1;
      most = Math.max(most, held);
      return new Uint8Array(size);
    };
    const store = createStore({ ...driver, root: { ...driver.root, get } });
    await store.setMany(Array.from({ length: 50 }, (_, n) => [`${n}`, "v"]));
    for await (const _ of store.entries()) held -= 1;
    expect(most).toBeGreaterThan(1);
    expect(most * size).toBeLessThanOrEqual(8 * 1024 * 1024);
  });

  const damaged = new Set(["b", "d"]);

  function damagedStore(code: "KV_CORRUPT" | "KV_UNAVAILABLE") {
    const driver = mapDriver();
    const get: MapNamespace["get"] = (key) => {
      if (damaged.has(key)) throw new StoreError(code, `${key} it is.`);
      return driver.root.get(key);
    };
    return createStore({ ...driver, root: { ...driver.root, get } });
  }

  test("KV_CORRUPT at a damaged one, after all others", async () => {
    const store = damagedStore("KV_CORRUPT");
    await store.setMany(["a", "b", "c", "d", "e"].map((key) => [key, "v"]));
    const found: string[] = [];
    const list = async (): Promise<void> => {
      for await (const [key] of store.entries()) found.push(key);
    };
    await expect(list()).rejects.toMatchObject({
      code: "KV_CORRUPT",
      message: expect.stringMatching(/^entries on a map: b it is/),
    });
    expect(found).toEqual(["a", "c", "e"]);
  });

  test("S7 any other failure ends the listing with it", async () => {
    const store = damagedStore("KV_UNAVAILABLE");
    await store.setMany(["a", "b", "c"].map((key) => [key, "v"]));
    const entries = store.entries()[Symbol.asyncIterator]();
    expect(await entries.next()).toMatchObject({ value: ["a", expect.anything()] });
    await expect(entries.next()).rejects.toMatchObject({ code: "KV_UNAVAILABLE" });
  });

  test("L2 after the end a paused one ends with KV_CLOSED", async () => {
    const store = createStore(mapDriver());
    await store.setMany(["a", "b"].map((key) => [key, "v"]));
    const entries = store.entries()[Symbol.asyncIterator]();
    await entries.next();
    await store.close();
    await expect(entries.next()).rejects.toMatchObject({ code: "KV_CLOSED" });
  });

  test("of a typed view gives values of its type; what the codec refuses is told of at the end", async () => {
    const store = createStore(mapDriver());
    const numbers = typed(store, json<number>());
    await numbers.set("a", 1);
    const all = await listed(numbers.entries({ prefix: "a" }));
    expectTypeOf(all).toEqualTypeOf<[key: string, value: number][]>();
    expect(all).toEqual([["a", 1]]);
    await store.set("b", "no JSON");
    await numbers.set("c", 3);
    const found: number[] = [];
    const list = async (): Promise<void> => {
      for await (const [, value] of numbers.entries()) found.push(value);
    };
    await expect(list()).rejects.toMatchObject({ code: "KV_INVALID_VALUE" });
    expect(found).toEqual([1, 3]);
    const denied = typed(store, {
      ...json<number>(),
      decode: (stored) => {
        if (textOf(stored) === "1") throw new StoreError("KV_DENIED", "no key.");
        return 0;
      },
    });
    await expect(denied.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "KV_DENIED",
    });
    await store.delete("b");
    await expect(listed(numbers.entries())).resolves.toHaveLength(2);
  });
});
