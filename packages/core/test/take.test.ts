import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { createStore } from "../src/driver.ts";
import { type Bytes, bytes, json, StoreError, text, typed } from "../src/index.ts";
import { type MapNamespace, mapDriver, textOf } from "./map-driver.ts";

/** A driver whose answers come later, each in its own turn. */
function slowly(root: MapNamespace): MapNamespace {
  return {
    ...root,
    get: async (key) => root.get(key),
    compareAndDelete: async (key, expected) => root.compareAndDelete(key, expected),
  };
}

const drivers = [
  { how: "at once", root: mapDriver().root },
  { how: "later", root: slowly(mapDriver().root) },
];

describe.each(drivers)("A4 take of a driver without one, which answers $how", ({ root }) => {
  const store = createStore({ ...mapDriver(), root });

  test("gives the value and removes it, for one caller only", async () => {
    await store.set("k", "v");
    const taken = await Promise.all(Array.from({ length: 20 }, () => store.take("k")));
    expect(taken.map(textOf).filter((value) => value !== undefined)).toEqual(["v"]);
    expect(await store.exists("k")).toBe(false);
    expect(await store.take("k")).toBeUndefined();
  });

  test("gives an array that is the caller's own", async () => {
    const value = new Uint8Array([1, 2, 3]);
    await store.set("k", value);
    const taken = await store.take("k");
    expectTypeOf(taken).toEqualTypeOf<Bytes | undefined>();
    expect(taken).toEqual(value);
    expect(taken?.buffer.byteLength).toBe(3);
  });

  test("takes what another wrote meanwhile", async () => {
    await store.set("k", "old");
    let between: (() => Promise<void>) | undefined = () => store.set("k", "new");
    const raced = createStore({
      ...mapDriver(),
      root: {
        ...root,
        async get(key: string) {
          const found = await root.get(key);
          await between?.();
          between = undefined;
          return found;
        },
      },
    });
    expect(textOf(await raced.take("k"))).toBe("new");
    expect(await store.exists("k")).toBe(false);
  });

  test("E1 refuses what is no key, before it asks the driver", async () => {
    await expect(store.take("\ud800")).rejects.toThrow(TypeError);
    await expect(store.take(5 as never)).rejects.toThrow(TypeError);
  });
});

test("A4 take asks a driver that has one, once, and tells what it found", async () => {
  const driver = mapDriver();
  const keys: string[] = [];
  const root = {
    ...driver.root,
    take(key: string): Uint8Array | undefined {
      keys.push(key);
      return key === "there" ? new Uint8Array([7]) : undefined;
    },
  };
  const store = createStore({ ...driver, root });
  expect(await store.take("there")).toEqual(new Uint8Array([7]));
  expect(await store.take("missing")).toBeUndefined();
  expect(keys).toEqual(["there", "missing"]);
  expect(driver.calls).toEqual([]);
});

test("S6 take counts from when it was called where the driver answers at once", async () => {
  const store = createStore(mapDriver());
  const [, taken, , left] = await Promise.all([
    store.set("k", "1"),
    store.take("k"),
    store.set("k", "2"),
    store.get("k"),
  ]);
  expect(textOf(taken)).toBe("1");
  expect(textOf(left)).toBe("2");
});

describe("take of a typed view", () => {
  test("gives the value, and is typed", async () => {
    const users = typed(createStore(mapDriver()), json<{ name: string }>());
    await users.set("ada", { name: "Ada" });
    const taken = await Promise.all([users.take("ada"), users.take("ada")]);
    expectTypeOf(taken[0]).toEqualTypeOf<{ name: string } | undefined>();
    expect(taken.filter((user) => user !== undefined)).toEqual([{ name: "Ada" }]);
  });

  test("KV_INVALID_VALUE where the codec refuses the entry, which stays", async () => {
    const store = createStore(mapDriver());
    await store.set("k", "no JSON");
    await expect(typed(store, json()).take("k")).rejects.toMatchObject({
      code: "KV_INVALID_VALUE",
      message: expect.stringMatching(/^take on a map: /),
    });
    expect(textOf(await store.get("k"))).toBe("no JSON");
    expect(await typed(store, text).take("k")).toBe("no JSON");
  });

  test("of bytes, it is the store's own", async () => {
    const driver = mapDriver();
    const root = { ...driver.root, take: () => new Uint8Array([7]) };
    expect(await typed(createStore({ ...driver, root }), bytes).take("k")).toEqual(new Uint8Array([7]));
    expect(driver.calls).toEqual([]);
  });
});

test("KV_CORRUPT where the entry is damaged, which stays", async () => {
  const driver = mapDriver();
  const get = (): never => {
    throw new StoreError("KV_CORRUPT", "it is damaged.");
  };
  const store = createStore({ ...driver, root: { ...driver.root, get } });
  await store.set("k", "v");
  await expect(store.take("k")).rejects.toMatchObject({ code: "KV_CORRUPT" });
  expect(await store.exists("k")).toBe(true);
});

test("S7 take of a typed view gives up where others change the entry all the time, and takes nothing", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const inner = createStore(mapDriver());
    await inner.set("k", "1");
    const store = {
      ...inner,
      async compareAndDelete() {
        vi.advanceTimersByTime(1_000);
        return false;
      },
    };
    await expect(typed(store, text).take("k")).rejects.toMatchObject({
      code: "KV_TIMEOUT",
      message: expect.stringContaining("for 5 seconds"),
    });
    expect(await inner.exists("k")).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
