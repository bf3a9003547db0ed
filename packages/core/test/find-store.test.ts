import { describe, expect, expectTypeOf, test } from "vitest";
import { createStore } from "../src/driver.ts";
import { type AtomicStore, findStore, type NamespacedStore, StoreRegistry } from "../src/index.ts";
import { mapDriver } from "./map-driver.ts";

const needs = { name: "rate_limit", capabilities: ["atomic"], purpose: "A rate limit" } as const;

describe("findStore", () => {
  test("asks a registry for the name, and takes a store as it is", () => {
    const store = createStore(mapDriver());
    const registry = new StoreRegistry({ stores: { rate_limit: store, sessions: createStore(mapDriver()) } });
    const found = findStore(registry, needs);
    expectTypeOf(found).toExtend<AtomicStore>();
    expectTypeOf(found).not.toExtend<NamespacedStore>();
    expect(found).toBe(store);
    expect(findStore(store, needs)).toBe(store);
  });

  test("takes a registry of another copy of the package", () => {
    const store = createStore(mapDriver());
    const other = { get: () => store, has: () => true, names: () => ["rate_limit"] };
    expect(findStore(other, needs)).toBe(store);
  });

  test("E1 a store that cannot do what is needed is refused, and the error says what it lacks", () => {
    const { get, getAndRenew, set, touch, delete: remove, exists, expiresInMs, deleteAll } = mapDriver().root;
    const root = { get, getAndRenew, set, touch, delete: remove, exists, expiresInMs, deleteAll };
    const plain = createStore({ label: "a plain one", root });
    const registry = new StoreRegistry({ stores: { rate_limit: plain } });
    for (const source of [plain, registry]) {
      expect(() => findStore(source as never, needs)).toThrow(TypeError);
      expect(() => findStore(source as never, needs)).toThrow(/^A rate limit needs .*increment.* atomic/);
    }
    expect(() => findStore(registry as never, needs)).toThrow(/the store "rate_limit" lacks/);
    expect(findStore(plain, { ...needs, capabilities: [] })).toBe(plain);
    const { take: _, ...partly } = createStore(mapDriver());
    expect(() => findStore(partly as never, needs)).toThrow(/this one lacks them/);
  });

  test("E1 what is neither a registry nor a store is refused", () => {
    for (const source of [undefined, null, "redis://", Promise.resolve(), {}, { names: [] }]) {
      expect(() => findStore(source as never, needs)).toThrow(TypeError);
      expect(() => findStore(source as never, needs)).toThrow(
        /^A rate limit needs a StoreRegistry or a store, not /,
      );
    }
  });

  test("R1 an unknown name is the registry's error", () => {
    expect(() => findStore(new StoreRegistry<AtomicStore>(), needs)).toThrow(
      expect.objectContaining({ code: "KV_UNKNOWN_STORE" }),
    );
  });
});
