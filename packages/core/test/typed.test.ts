import { inspect } from "node:util";
import { describe, expect, expectTypeOf, test } from "vitest";
import { checkKey, createStore, utf8 } from "../src/driver.ts";
import {
  type Bytes,
  bytes,
  type Codec,
  type FullStore,
  isStoreError,
  json,
  type StandardSchema,
  type Store,
  type StoreError,
  text,
  typed,
} from "../src/index.ts";
import { mapDriver, textOf } from "./map-driver.ts";

interface User {
  name: string;
  age?: number;
}

/** A schema of users, as a library that implements Standard Schema would give one. */
function userSchema(answerLater = false): StandardSchema<User> {
  const validate = (value: unknown) => {
    const name: unknown = (value as User | null)?.name;
    return typeof name === "string"
      ? { value: { age: 1, ...(value as User) } }
      : { issues: [{ message: `got ${JSON.stringify(value)}`, path: ["user", { key: "name" }] }] };
  };
  return {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: answerLater ? async (value) => validate(value) : validate,
    },
  };
}

async function rejection(call: Promise<unknown>): Promise<Error> {
  return call.then(
    () => {
      throw new Error("it did not reject");
    },
    (error: Error) => error,
  );
}

describe("a typed view", () => {
  test("it stores and gives values, and is a view of the store beneath", async () => {
    const store = createStore(mapDriver());
    const users = typed(store, json<User>());
    await users.set("ada", { name: "Ada" }, { expiresIn: "1m" });
    expect(textOf(await store.get("ada"))).toBe('{"name":"Ada"}');
    expect(await users.get("ada", { renewFor: "1m" })).toEqual({ name: "Ada" });
    expect(await users.get("bob")).toBeUndefined();
    expect(await users.exists("ada")).toBe(true);
    expect(await users.touch("ada", 1)).toBe(true);
    expect(await users.expiresIn("ada")).toBe(1.5);
    expect(await users.delete("ada")).toBe(true);
    expect(users.store).toBe(store);
    expectTypeOf(users.get).returns.resolves.toEqualTypeOf<User | undefined>();
  });

  test("it has the capabilities of the store beneath", async () => {
    const users = typed(createStore(mapDriver()), json<User>());
    await users.setMany([
      ["a", { name: "A" }],
      ["b", { name: "B" }],
    ]);
    expect(await users.getMany(["a", "x", "b"])).toEqual([{ name: "A" }, undefined, { name: "B" }]);
    expect(await users.setIfAbsent("a", { name: "C" })).toBe(false);
    expect(await users.compareAndSet("a", { name: "A" }, { name: "D" })).toBe(true);
    expect(await users.compareAndDelete("a", { name: "A" })).toBe(false);
    expect(await users.deleteMany(["b"])).toBe(1);
    expect(await users.increment("n")).toEqual({ value: 1, expiresIn: Number.POSITIVE_INFINITY });
    const keys: string[] = [];
    for await (const key of users.keys()) keys.push(key);
    expect(keys).toEqual(["a", "n"]);
    expect(await users.deleteExpired()).toBe(3);

    const child = users.withNamespace("eu");
    await child.set("a", { name: "E" });
    expect(child.namespace).toEqual(["eu"]);
    expect(await child.get("a")).toEqual({ name: "E" });
    expect(await users.get("a")).toEqual({ name: "D" });

    await users.close();
    expect(isStoreError(await rejection(child.get("a")), "KV_CLOSED")).toBe(true);
  });

  test("a store of somebody's own class keeps its methods", async () => {
    class OneEntry {
      #value: Bytes | undefined;
      get = async () => this.#value;
      async set(_key: string, value: Uint8Array | string): Promise<void> {
        this.#value = utf8(String(value));
      }
      async exists(): Promise<boolean> {
        return this.#value !== undefined;
      }
    }
    const view = typed(new OneEntry() as unknown as Store, text);
    await view.set("k", "v");
    expect(await view.get("k")).toBe("v");
    expect(await view.exists("k")).toBe(true);
    expect(view).not.toHaveProperty("increment");
    expect(view).not.toHaveProperty("withNamespace");
  });

  test("it has what the store has, of any prototype, and asks a getter when it is asked itself", async () => {
    let asked = 0;
    class Shelf {
      get size(): number {
        asked += 1;
        return asked;
      }
      async exists(): Promise<boolean> {
        return true;
      }
    }
    const view = typed(new Shelf() as unknown as Store, text) as unknown as Shelf;
    expect(asked).toBe(0);
    expect([view.size, view.size]).toEqual([1, 2]);
    expect(Object.keys(view)).toEqual(expect.arrayContaining(["size", "exists"]));
    for (const name of ["constructor", "toString"]) expect(Object.hasOwn(view, name)).toBe(false);
    const bare = Object.assign(Object.create(null) as object, createStore(mapDriver()));
    expect(await typed(bare, text).exists("k")).toBe(false);
  });

  test("no write passes the codec by, though the store has not all of a capability", async () => {
    const { take: _, ...store } = createStore(mapDriver());
    const users = typed(store as Store as FullStore, json<User>());
    expect(await users.setIfAbsent("ada", { name: "Ada" })).toBe(true);
    expect(await users.get("ada")).toEqual({ name: "Ada" });
    expect(users).not.toHaveProperty("take");
  });

  test("a store behind a Proxy stays behind it", async () => {
    const asked: unknown[] = [];
    const store = new Proxy(createStore(mapDriver()), {
      get(target, name) {
        asked.push(name);
        return Reflect.get(target, name) as unknown;
      },
    });
    const view = typed(store, text);
    await view.exists("k");
    expect(asked).toContain("exists");
    expect(view.namespace).toEqual([]);
  });

  test("S6 its calls keep their order", async () => {
    const store = createStore(mapDriver());
    const users = typed(store, json<number>());
    const answers = [users.set("k", 1), users.get("k"), users.set("k", 2), users.get("k")];
    expect(await Promise.all(answers)).toEqual([undefined, 1, undefined, 2]);
  });
});

describe("codecs", () => {
  test("bytes and text", async () => {
    const store = createStore(mapDriver());
    await typed(store, bytes).set("k", new Uint8Array([104, 105]));
    expect(await typed(store, text).get("k")).toBe("hi");
    await typed(store, text).set("k", "\ufeffé");
    expect(await typed(store, text).get("k")).toBe("\ufeffé");
  });

  test("KV_INVALID_VALUE for stored bytes that are no UTF-8 or no JSON, quoting none of them", async () => {
    const store = createStore(mapDriver());
    await store.setMany([
      ["bytes", new Uint8Array([0xff])],
      ["words", "hunter2"],
    ]);
    for (const [codec, key] of [
      [text, "bytes"],
      [json(), "bytes"],
      [json(), "words"],
    ] as [Codec<unknown>, string][]) {
      const error = await rejection(typed(store, codec).get(key));
      expect(isStoreError(error, "KV_INVALID_VALUE")).toBe(true);
      expect(`${error.message} ${String(error.cause)}`).not.toContain("hunter2");
    }
  });

  class Point {
    x = 1;
    y = 2;
  }

  class Money {
    readonly cents = 250;
    toJSON(): string {
      return "2.50";
    }
  }

  test.each([
    { value: null },
    { value: -0 },
    { value: "\ud800" },
    { value: { a: undefined, b: [1, [2, { c: "3" }]] } },
    { value: Object.create(null, { a: { value: 1, enumerable: true } }) },
    { value: new Point() },
    { value: { price: new Money() } },
  ])("JSON takes plain data: $value", async ({ value }) => {
    const view = typed(createStore(mapDriver()), json<unknown>());
    await view.set("k", value);
    expect(await view.get("k")).toEqual(JSON.parse(JSON.stringify(value)));
  });

  test("E2 the error of what is refused names the place and what it is, never the value", async () => {
    const users = typed(createStore(mapDriver()).withNamespace("eu"), json<unknown>());
    const error = await rejection(users.set("k", { visits: [{ at: new Date(0), secret: "hunter2" }] }));
    expect(error).toMatchObject({ code: "KV_INVALID_VALUE" });
    expect(error.message).toMatch(
      /^set on a map, namespace "eu": .*visits\.0\.at is a Date.*Nothing was written/,
    );
    expect(error.message).not.toMatch(/hunter2|1970/);
  });

  test("E1 a codec that fails in its own way is KV_INVALID_VALUE, with what it threw as the cause", async () => {
    const cause = new Error("broken");
    const broken: Codec<string> = {
      encode: () => Promise.reject(cause),
      decode: () => {
        throw cause;
      },
    };
    const store = createStore(mapDriver());
    await store.set("k", "v");
    const view = typed(store, broken);
    for (const call of [view.get("k"), view.set("j", "v"), view.getMany(["k"]), view.take("k")]) {
      expect(await rejection(call)).toMatchObject({ code: "KV_INVALID_VALUE", cause });
    }
    expect(await store.exists("j")).toBe(false);
  });

  test("E1 a mistake of the caller's that a codec finds stays one", async () => {
    const view = typed(createStore(mapDriver()), { ...text, encode: (value) => checkKey(value) });
    expect(await rejection(view.set("k", 5 as never))).toBeInstanceOf(TypeError);
  });

  test("E2 the issues of a schema come with its error, where no log shows them", async () => {
    const users = typed(createStore(mapDriver()), json(userSchema()));
    const error = await rejection(users.set("k", { surname: "hunter2" } as never));
    expect((error as StoreError).issues).toEqual([
      { message: 'got {"surname":"hunter2"}', path: ["user", { key: "name" }] },
    ]);
    expect(`${inspect(error)} ${JSON.stringify(error)}`).not.toContain("hunter2");
  });

  test.each([
    ["undefined", undefined],
    ["a function", () => 1],
    ["a bigint", 1n],
    ["NaN", Number.NaN],
    ["-Infinity", [Number.NEGATIVE_INFINITY]],
    ["a Date", { at: new Date() }],
    ["an invalid Date", { at: new Date(Number.NaN) }],
    ["a Map", new Map([["a", 1]])],
    ["a Set", { all: new Set([1]) }],
    ["a typed array", { bytes: new Uint8Array(2) }],
    ["a URL", new URL("https://example.com")],
    ["an error", { error: new Error("no") }],
    ["undefined in an array", [1, undefined]],
    ["a hole in an array", Object.assign([1], { length: 2 })],
    ["a function as a property", { f: () => 1 }],
    ["a symbol as a property", { s: Symbol("s") }],
  ])("KV_INVALID_VALUE for %s, and nothing is written", async (_what, value) => {
    const store = createStore(mapDriver());
    const view = typed(store, json<unknown>());
    for (const call of [
      () => view.set("k", value),
      () =>
        view.setMany([
          ["j", 1],
          ["k", value],
        ]),
      () => view.setIfAbsent("k", value),
    ]) {
      expect(isStoreError(await rejection(call()), "KV_INVALID_VALUE")).toBe(true);
    }
    expect(await store.getMany(["j", "k"])).toEqual([undefined, undefined]);
  });

  test.each([false, true])(
    "a schema checks on the way in and on the way out (answering later: %s)",
    async (later) => {
      const store = createStore(mapDriver());
      const users = typed(store, json(userSchema(later)));
      await users.set("ada", { name: "Ada" });
      expect(textOf(await store.get("ada"))).toBe('{"age":1,"name":"Ada"}');

      const refused = await rejection(users.set("bob", { surname: "hunter2" } as never));
      expect(isStoreError(refused, "KV_INVALID_VALUE")).toBe(true);
      expect(refused.message).toContain("user.name");
      expect(refused.message).not.toContain("hunter2");
      expect(await store.exists("bob")).toBe(false);

      await store.set("bob", '{"name":5}');
      expect(isStoreError(await rejection(users.get("bob")), "KV_INVALID_VALUE")).toBe(true);
      expect(isStoreError(await rejection(users.getMany(["ada", "bob"])), "KV_INVALID_VALUE")).toBe(true);
      await users.setMany([["eve", { name: "Eve" }]]);
      expect(await users.get("eve")).toEqual({ name: "Eve", age: 1 });
    },
  );

  test("a schema that would not accept what it gives does not compile", () => {
    const dates = {} as StandardSchema<string, Date>;
    // @ts-expect-error what it gives, a Date, is not what it takes
    void (() => json(dates));
    expectTypeOf(json({} as StandardSchema<{ a?: number }, { a: number }>)).toEqualTypeOf<
      Codec<{ a: number }>
    >();
  });

  test("bytes of a store fit what the platform takes", async () => {
    const store = createStore(mapDriver());
    await store.set("k", "hi");
    expect(await new Response(await store.get("k")).text()).toBe("hi");
  });
});
