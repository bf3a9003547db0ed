import { describe, expect, expectTypeOf, test } from "vitest";
import { createStore } from "../src/driver.ts";
import {
  bytes,
  declareStores,
  type FullStore,
  findStore,
  json,
  type StoreSource,
  type TypedStore,
  text,
} from "../src/index.ts";
import { mapDriver, textOf } from "./map-driver.ts";

interface Cart {
  items: string[];
}

const declarations = { carts: json<Cart>(), names: text, sessions: bytes };

function declared() {
  const root: FullStore = createStore(mapDriver());
  return { root, stores: declareStores(declarations, { root }) };
}

describe("declareStores", () => {
  test("get gives each store as values of its type, and one of bytes as it is", async () => {
    const { root, stores } = declared();
    const carts = stores.get("carts");
    expectTypeOf(carts).toEqualTypeOf<TypedStore<Cart, FullStore>>();
    expectTypeOf(stores.get("names")).toEqualTypeOf<TypedStore<string, FullStore>>();
    expectTypeOf(stores.get("sessions")).toEqualTypeOf<FullStore>();
    await carts.set("ada", { items: ["a book"] });
    expect(textOf(await root.withNamespace("carts").get("ada"))).toBe('{"items":["a book"]}');
    expect(textOf(await stores.untyped("carts").get("ada"))).toBe('{"items":["a book"]}');
    await stores.get("sessions").set("id", "raw");
    expect(textOf(await root.withNamespace("sessions").get("id"))).toBe("raw");
  });

  test("R1 get gives the same object every time", () => {
    const { stores } = declared();
    expect(stores.get("carts")).toBe(stores.get("carts"));
    expect(stores.get("sessions")).toBe(stores.get("sessions"));
  });

  test("R1 a name that is not declared does not compile, and is KV_UNKNOWN_STORE, with root too", () => {
    const { stores } = declared();
    // @ts-expect-error it is misspelt
    expect(() => stores.get("sesions")).toThrow(
      expect.objectContaining({
        code: "KV_UNKNOWN_STORE",
        message: expect.stringMatching(/"sesions".*"carts", "names", "sessions"/),
      }),
    );
    for (const name of ["__proto__", "toString", "constructor"]) {
      expect(() => stores.get(name as never)).toThrow(expect.objectContaining({ code: "KV_UNKNOWN_STORE" }));
      expect(stores.has(name)).toBe(false);
    }
    expect(stores.has("carts")).toBe(true);
    expect(stores.names()).toEqual(["carts", "names", "sessions"]);
  });

  test("stores may come one by one, or from a factory", async () => {
    const carts = createStore(mapDriver());
    const stores = declareStores({ carts: json<Cart>(), names: text }, { stores: { carts } });
    expect(stores.get("carts").store).toBe(carts);
    expect(() => stores.get("names")).toThrow(expect.objectContaining({ code: "KV_UNKNOWN_STORE" }));
    const made: string[] = [];
    const others = declareStores(declarations, {
      defaultFactory(name) {
        made.push(name);
        return createStore(mapDriver());
      },
    });
    others.get("names");
    others.get("names");
    expect(made).toEqual(["names"]);
  });

  test("R3 closing it closes what it holds", async () => {
    const { root, stores } = declared();
    const carts = stores.get("carts");
    expect(await stores.deleteExpired()).toBe(3);
    await stores.close();
    await stores.close();
    await expect(carts.get("ada")).rejects.toMatchObject({ code: "KV_CLOSED" });
    await expect(root.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
    expect(() => stores.get("carts")).toThrow(expect.objectContaining({ code: "KV_CLOSED" }));
  });

  test("R3 leaving the block of an await using closes it", async () => {
    const { root, stores } = declared();
    {
      await using _ = stores;
    }
    await expect(root.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
  });

  test("R1 where none is declared, the error says so", () => {
    const stores = declareStores({}, { root: createStore(mapDriver()) });
    expect(() => stores.untyped("carts" as never)).toThrow(/None is declared/);
  });

  test("E1 refuses what is no codec, and a store whose name is not declared", () => {
    const root = createStore(mapDriver());
    for (const codec of [undefined, null, {}, "json", json, { encode: String }, { decode: String }]) {
      expect(() => declareStores({ carts: codec as never }, { root })).toThrow(/"carts" must be declared/);
    }
    expect(() => declareStores({ carts: bytes }, { stores: { cards: root } })).toThrow(
      /"cards" is not declared/,
    );
    expect(() => declareStores({ carts: bytes }, { rot: root } as never)).toThrow(TypeError);
  });

  test("integrations find their stores in it by name, where they were declared as bytes", () => {
    const { stores } = declared();
    const needs = {
      name: "sessions",
      capabilities: ["atomic", "listing"],
      purpose: "A session store",
    } as const;
    expectTypeOf(stores).toExtend<StoreSource<FullStore>>();
    expect(findStore(stores, needs)).toBe(stores.get("sessions"));
    expect(() => findStore(stores, { ...needs, name: "response_cache" })).toThrow(
      expect.objectContaining({ code: "KV_UNKNOWN_STORE" }),
    );
    expect(() => findStore(stores, { ...needs, name: "carts" })).toThrow(
      /^A session store writes values of its own.*Declare "carts" as bytes/,
    );
    expect(() => findStore(stores.get("carts") as never, needs)).toThrow(/Pass the store beneath it/);
  });
});
