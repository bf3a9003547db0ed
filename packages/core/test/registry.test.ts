import { describe, expect, expectTypeOf, test } from "vitest";
import { createStore } from "../src/driver.ts";
import { type FullStore, StoreRegistry } from "../src/index.ts";
import { type MapDriver, mapDriver, textOf } from "./map-driver.ts";

function newStore(): { driver: MapDriver; store: FullStore } {
  const driver = mapDriver();
  return { driver, store: createStore(driver) };
}

describe("R1 get", () => {
  test("R1 a registered store is that store, the same object every time", () => {
    const { store } = newStore();
    for (const stores of [{ sessions: store }, new Map([["sessions", store]])]) {
      const registry = new StoreRegistry({ stores });
      expect(registry.get("sessions")).toBe(store);
      expect(registry.get("sessions")).toBe(store);
    }
  });

  test("R1 defaultFactory makes an unknown store, once", () => {
    const made: string[] = [];
    const registry = new StoreRegistry({
      defaultFactory: (name) => {
        made.push(name);
        return newStore().store;
      },
    });
    expectTypeOf(registry.get("a")).toEqualTypeOf<FullStore>();
    expect(registry.get("a")).toBe(registry.get("a"));
    expect(registry.get("b")).not.toBe(registry.get("a"));
    expect(made).toEqual(["a", "b"]);
    expect(registry.names()).toEqual(["a", "b"]);
    expect(registry.has("c")).toBe(false);
  });

  test("R1 root gives an unknown name a namespace of its own, once", async () => {
    const { store } = newStore();
    const registry = new StoreRegistry({ root: store });
    expect(registry.get("sessions").namespace).toEqual(["sessions"]);
    expect(registry.get("sessions")).toBe(registry.get("sessions"));
    await registry.get("sessions").set("k", "v");
    expect(textOf(await store.withNamespace("sessions").get("k"))).toBe("v");
  });

  test("R1 with neither, it throws and names what is registered", () => {
    const registry = new StoreRegistry({ stores: { sessions: newStore().store, cache: newStore().store } });
    expect(() => registry.get("session")).toThrow(
      expect.objectContaining({
        code: "KV_UNKNOWN_STORE",
        message: expect.stringMatching(/"session".*"sessions", "cache"/),
      }),
    );
    expect(() => new StoreRegistry().get("a")).toThrow(/None is registered/);
    expect(registry.has("session")).toBe(false);
  });

  test("R1 names of object properties are names like others", () => {
    const registry = new StoreRegistry({ stores: { a: newStore().store } });
    for (const name of ["__proto__", "constructor", "toString", ""]) {
      expect(() => registry.get(name)).toThrow(expect.objectContaining({ code: "KV_UNKNOWN_STORE" }));
    }
  });
});

describe("R2 register", () => {
  test("R2 a new name is taken, a taken one is refused and stays as it was", () => {
    const first = newStore().store;
    const second = newStore().store;
    const registry = new StoreRegistry();
    registry.register("cache", first);
    expect(() => registry.register("cache", second)).toThrow(
      expect.objectContaining({
        code: "KV_STORE_EXISTS",
        message: expect.stringMatching(/"cache".*allowOverride/),
      }),
    );
    expect(registry.get("cache")).toBe(first);
    registry.register("cache", second, { allowOverride: true });
    expect(registry.get("cache")).toBe(second);
  });

  test("R2 a name that was handed out by default is taken too", () => {
    const registry = new StoreRegistry({ root: newStore().store });
    registry.get("cache");
    expect(() => registry.register("cache", newStore().store)).toThrow(
      expect.objectContaining({ code: "KV_STORE_EXISTS" }),
    );
  });
});

describe("R3 close", () => {
  test("R3 each store is closed once, root last, and then get throws KV_CLOSED", async () => {
    const order: string[] = [];
    const named = (name: string): FullStore =>
      createStore({ ...mapDriver(), close: () => void order.push(name) });
    const shared = named("shared");
    const registry = new StoreRegistry({
      stores: { a: shared, b: shared, c: named("c") },
      root: named("root"),
    });
    const cache = registry.get("cache");
    await registry.close();
    await registry.close();
    await registry[Symbol.asyncDispose]();
    expect(order).toEqual(["shared", "c", "root"]);
    await expect(cache.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
    for (const call of [() => registry.get("a"), () => registry.register("z", named("z"))]) {
      expect(call).toThrow(expect.objectContaining({ code: "KV_CLOSED" }));
    }
    await expect(registry.deleteExpired()).rejects.toMatchObject({ code: "KV_CLOSED" });
  });

  test("R3 root is closed last under a name of its own too, and a registry without one closes as well", async () => {
    const order: string[] = [];
    const named = (name: string): FullStore =>
      createStore({ ...mapDriver(), close: () => void order.push(name) });
    const root = named("root");
    for (const options of [{ stores: { main: root, a: named("a") }, root }, { stores: { b: named("b") } }]) {
      await using _ = new StoreRegistry(options);
    }
    expect(order).toEqual(["a", "root", "b"]);
  });

  test("R3 all are closed even where one fails, and then it throws what failed", async () => {
    const closed: string[] = [];
    const store = (name: string, error?: Error): FullStore =>
      createStore({
        ...mapDriver(),
        close: () => {
          if (error !== undefined) throw error;
          closed.push(name);
        },
      });
    const registry = new StoreRegistry({
      stores: { a: store("a", new Error("no")), b: store("b") },
      root: store("root"),
    });
    const error: unknown = await registry.close().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors).toEqual([expect.objectContaining({ code: "KV_FAILED" })]);
    expect(closed).toEqual(["b", "root"]);
  });
});

describe("deleteExpired", () => {
  test("T6 every store is asked, namespaces of root by way of root, and the counts are added up", async () => {
    const a = newStore();
    const root = newStore();
    const registry = new StoreRegistry({ stores: { a: a.store }, root: root.store });
    registry.get("cache");
    expect(await registry.deleteExpired()).toBe(6);
    expect(root.driver.calls).toEqual(["deleteExpired []"]);
    expect(a.driver.calls).toEqual(["deleteExpired []"]);
  });

  test("S7 where one fails the others are done all the same, and then it throws", async () => {
    const a = newStore();
    const b = newStore();
    await a.store.close();
    const registry = new StoreRegistry({ stores: { a: a.store, b: b.store } });
    await expect(registry.deleteExpired()).rejects.toThrow(/1 of 2 stores/);
    expect(b.driver.calls).toEqual(["deleteExpired []"]);
  });
});

describe("E1 mistakes", () => {
  // biome-ignore format: a table
  test.each<[what: string, says: RegExp, make: () => unknown]>([
    ["a root without namespaces", /root must be a store with namespaces/, () => new StoreRegistry({ root: { get() {}, close() {} } as never })],
    ["both a root and a factory", /exclude each other/, () => new StoreRegistry({ root: newStore().store, defaultFactory: () => newStore().store } as never)],
    ["a factory that is none", /defaultFactory must be a function/, () => new StoreRegistry({ defaultFactory: newStore().store as never })],
    ["a store that is a promise", /The store "a" must be a store/, () => new StoreRegistry({ stores: { a: Promise.resolve() as never } })],
    ["a factory that gives a promise", /What defaultFactory gave must be a store/, () => new StoreRegistry({ defaultFactory: (async () => 1) as never }).get("a")],
    ["registering nothing", /must be a store, not undefined/, () => new StoreRegistry().register("a", undefined as never)],
    ["a store without get", /must be a store/, () => new StoreRegistry().register("a", { close() {} } as never)],
    ["a store without close", /must be a store/, () => new StoreRegistry().register("a", { get() {} } as never)],
    ["a misspelt option", /no option "rootStore".*root/, () => new StoreRegistry({ rootStore: newStore().store } as never)],
    ["a misspelt option of register", /no option "override".*allowOverride/, () => new StoreRegistry().register("a", newStore().store, { override: true } as never)],
    ["a name that is no string", /name of a store must be a string/, () => new StoreRegistry().get(5 as never)],
  ])("E1 %s", (_what, says, make) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(says);
  });
});
