import { describe, expect, expectTypeOf, test, vi } from "vitest";
import {
  createStore,
  type Driver,
  type DriverNamespace,
  type StoreOver,
  yieldToEventLoop,
} from "../src/driver.ts";
import { type AtomicStore, type FullStore, isStoreError, type Store, StoreError } from "../src/index.ts";
import { describeCallOn } from "../src/portable-store/namespace-id.ts";
import { deferred, type MapDriver, type MapNamespace, mapDriver, textOf } from "./map-driver.ts";

const capabilityMethods = [
  ..."withNamespace getMany setMany deleteMany increment setIfAbsent compareAndSet compareAndDelete".split(
    " ",
  ),
  ..."take keys entries namespaces deleteExpired".split(" "),
];

describe("capabilities", () => {
  test("a store has the methods that its driver backs, in its type and at run time", () => {
    const full = createStore(mapDriver());
    expectTypeOf(full).toExtend<FullStore>();
    for (const name of capabilityMethods) {
      expect(full).toHaveProperty(name);
      expect(full.withNamespace("a").withNamespace("b")).toHaveProperty(name);
    }
    for (const name of ["get", "getMany", "increment", "deleteExpired"] as const) {
      expect(full[name].name).toBe(name); // as stack traces show it
    }
  });

  test("a store has no method that its driver does not back", async () => {
    const { get, getAndRenew, set, touch, delete: remove, exists, expiresInMs, deleteAll } = mapDriver().root;
    const root: DriverNamespace = {
      get,
      getAndRenew,
      set,
      touch,
      delete: remove,
      exists,
      expiresInMs,
      deleteAll,
    };
    const bare = createStore({ label: "bare", root } satisfies Driver);
    expectTypeOf(bare).toExtend<Store>();
    expectTypeOf(bare).not.toExtend<AtomicStore>();
    for (const name of [...capabilityMethods, "namespace"]) expect(bare).not.toHaveProperty(name);
    await bare.close(); // nothing is to be closed
  });

  test("withNamespace gives a store of the same type", () => {
    expectTypeOf<ReturnType<FullStore["withNamespace"]>>().toEqualTypeOf<FullStore>();
    expectTypeOf<ReturnType<StoreOver<MapDriver>["withNamespace"]>>().toExtend<FullStore>();
  });
});

describe("what a driver is asked", () => {
  test("durations become whole milliseconds, and seconds come back", async () => {
    const driver = mapDriver();
    const store = createStore(driver);
    await store.set("k", "v");
    await store.set("k", "v", { expiresIn: "1.5s" });
    await store.set("k", "v", { keepExpiry: true });
    await store.set("k", "v", { keepExpiry: false, expiresIn: undefined });
    await store.get("k", { renewFor: { minutes: 1 } });
    await store.touch("k", Number.POSITIVE_INFINITY);
    await store.delete("k");
    expect(await store.increment("k", { by: -2, expiresIn: 0.25 })).toEqual({ value: -2, expiresIn: 0.25 });
    expect(await store.expiresIn("k")).toBe(1.5);
    expect(await store.expiresIn("other")).toBeUndefined();
    expect(driver.calls.map((call) => call.replace(" []", ""))).toEqual([
      "set Infinity",
      "set 1500",
      "set keep",
      "set Infinity",
      "getAndRenew 60000",
      "touch Infinity",
      "delete",
      "increment -2 250",
      "expiresInMs",
      "expiresInMs",
    ]);
  });

  test("an answer that comes later is made into the caller's own likewise", async () => {
    const given = new Uint8Array([1, 2, 3]);
    const { root } = mapDriver();
    const store = createStore({
      ...mapDriver(),
      root: { ...root, get: async () => given, expiresInMs: async () => 1_500 },
    });
    expect(await store.get("k")).toEqual(given);
    expect(await store.get("k")).not.toBe(given);
    expect(await store.expiresIn("k")).toBe(1.5);
  });

  test("S3 bytes are copied on the way in and on the way out, a view of a larger buffer too", async () => {
    const store = createStore(mapDriver());
    const pool = new Uint8Array([9, 9, 1, 2, 3, 9]);
    const mine = pool.subarray(2, 5);
    const done = store.set("k", mine);
    mine.fill(0);
    await done;
    const first = await store.get("k");
    expect(first).toEqual(new Uint8Array([1, 2, 3]));
    expect(first?.buffer.byteLength).toBe(3);
    first?.fill(0);
    expect(await store.get("k")).toEqual(new Uint8Array([1, 2, 3]));
    expect((await store.getMany(["k"]))[0]?.buffer.byteLength).toBe(3);
    expect(Object.getPrototypeOf(await store.get("k"))).toBe(Uint8Array.prototype);
  });

  test("S3 a driver that copies values gets the caller's own array, and what it gives is handed on", async () => {
    const taken: unknown[] = [];
    const given = new Uint8Array([1, 2, 3]);
    const root: MapNamespace = {
      ...mapDriver().root,
      get: () => given,
      getMany: () => [given],
      set: (_, value) => void taken.push(value),
      setMany: (entries) => void taken.push(...entries.values()),
      setIfAbsent: (_, value) => taken.push(value) > 0,
      compareAndSet: (_, expected, value) => taken.push(expected, value) > 0,
      compareAndDelete: (_, expected) => taken.push(expected) > 0,
    };
    const store = createStore({ label: "copies", copiesValues: true, root } satisfies Driver);
    const mine = new Uint8Array([9]);
    await store.set("k", mine);
    await store.setMany([["k", mine]]);
    await store.setIfAbsent("k", mine);
    await store.compareAndSet("k", mine, mine);
    await store.compareAndDelete("k", mine);
    expect(taken).toHaveLength(6);
    for (const value of taken) expect(value).toBe(mine);
    expect(await store.get("k")).toBe(given);
    expect((await store.getMany(["k"]))[0]).toBe(given);
    await expect(store.set("k", [9] as never)).rejects.toThrow(TypeError);
    await expect(store.set("k", "\ud800")).rejects.toThrow(TypeError);
  });

  test("S6 a call reaches the driver before it returns", () => {
    const driver = mapDriver();
    const store = createStore(driver);
    void store.set("k", "1");
    void store.withNamespace("a").get("k");
    void store.delete("k");
    expect(driver.calls).toEqual(["set Infinity []", 'get ["a"]', "delete []"]);
  });

  test("N3 the path of a namespace is told to the driver, and to whoever asks", async () => {
    const driver = mapDriver();
    const store = createStore({ ...driver, rootPath: ["KV"], root: driver.namespace(["KV"]) });
    expect(store.namespace).toEqual(["KV"]);
    expect(Object.isFrozen(store.namespace)).toBe(true);
    const child = store.withNamespace("a").withNamespace("b:c");
    expect(child.namespace).toEqual(["KV", "a", "b:c"]);
    await child.deleteAll();
    expect(driver.calls).toEqual(['deleteAll ["KV","a","b:c"]']);
  });

  test("N4 without a namespace what would touch the keys of others is refused, and children are well", async () => {
    const driver = mapDriver();
    const store = createStore({ ...driver, rootPath: null });
    expect(store.namespace).toBeNull();
    await expect(store.deleteAll()).rejects.toMatchObject({ code: "KV_NO_NAMESPACE" });
    await expect(store.keys()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "KV_NO_NAMESPACE",
    });
    await expect(store.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "KV_NO_NAMESPACE",
    });
    await expect(store.namespaces()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "KV_NO_NAMESPACE",
    });
    expect(driver.calls).toEqual([]);
    const child = store.withNamespace("a");
    expect(child.namespace).toEqual(["a"]);
    await child.set("k", "v");
    await child.deleteAll();
    expect(driver.calls).toEqual(['set Infinity ["a"]', 'deleteAll ["a"]']);
  });
});

describe("errors", () => {
  function failing(error: unknown, explain?: Driver["explain"]) {
    const driver = mapDriver();
    const root = {
      ...driver.root,
      get: () => Promise.reject(error),
      set: () => {
        throw error;
      },
    };
    return createStore({ ...driver, root, ...(explain !== undefined && { explain }) });
  }

  test("E1 what a driver throws or rejects with becomes a StoreError by its explanation", async () => {
    const gone = new Error("ECONNREFUSED");
    const store = failing(gone, () => ({
      code: "KV_UNAVAILABLE",
      message: "no server answers. Is it running?",
    }));
    for (const call of [() => store.get("k"), () => store.set("k", "v")]) {
      const error: unknown = await call().catch((reason: unknown) => reason);
      expect(isStoreError(error, "KV_UNAVAILABLE")).toBe(true);
      expect((error as Error).message).toMatch(/^(get|set) on a map: no server answers/);
      expect((error as Error).cause).toBe(gone);
    }
  });

  test("E2 an explanation's own cause takes the place of the backend's error", async () => {
    const clean = new Error("WRONGPASS");
    const store = failing(new Error("AUTH hunter2"), () => ({
      code: "KV_DENIED",
      message: "denied",
      cause: clean,
    }));
    await expect(store.get("k")).rejects.toMatchObject({ code: "KV_DENIED", cause: clean });
  });

  test("E1 without an explanation the code is KV_FAILED, of a driver's TypeError too", async () => {
    const bug = new TypeError("x is not a function");
    const error: unknown = await failing(bug)
      .set("k", "v")
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: "KV_FAILED", cause: bug });
  });

  test("E2 a StoreError of a driver keeps its code and gets the operation, the store and the namespace", async () => {
    const driver = mapDriver();
    const corrupt = (): never => {
      throw new StoreError("KV_CORRUPT", "the entry is damaged.", { cause: "why" });
    };
    const store = createStore({
      ...driver,
      namespace: (path) => ({ ...driver.namespace(path), get: corrupt }),
    });
    await expect(store.withNamespace("a").withNamespace("b").get("k")).rejects.toMatchObject({
      code: "KV_CORRUPT",
      message: 'get on a map, namespace "a/b": the entry is damaged.',
      cause: "why",
    });
  });

  test("E2 the error of a store beneath a driver is passed on as it is", async () => {
    const beneath = createStore(mapDriver());
    await beneath.close();
    const driver = mapDriver();
    const store = createStore({ ...driver, root: { ...driver.root, get: async (key) => beneath.get(key) } });
    await expect(store.get("k")).rejects.toMatchObject({
      code: "KV_CLOSED",
      message: expect.stringMatching(/^get on a map: the store was closed/),
    });
  });
});

test.each([
  ["get on a map", () => createStore({ ...mapDriver(), rootPath: null })],
  ['get on a map, namespace "a/b"', () => createStore(mapDriver()).withNamespace("a").withNamespace("b")],
  ["get on a store", () => ({})],
  ["get on a store", () => ({ label: 5 })],
  ["get on a shelf", () => ({ label: "a shelf" })],
])("E2 a call is described as %j", (described, open) => {
  expect(describeCallOn("get", open())).toBe(described);
});

describe("closing", () => {
  test.each(["30d", Number.POSITIVE_INFINITY] as const)(
    "L2 with a timeout longer than any timer, %s, it waits for the driver all the same",
    async (timeout) => {
      const driver = mapDriver();
      const closing = new Promise<void>((resolve) => setTimeout(resolve, 20));
      const store = createStore({ ...driver, close: () => closing }, { timeout });
      await store.close();
    },
  );

  test("L2 after it every call rejects with KV_CLOSED, and it may be repeated", async () => {
    const driver = mapDriver();
    const store = createStore(driver);
    const child = store.withNamespace("a");
    const first = store.close();
    expect(store.close()).toBe(first);
    await first;
    await store[Symbol.asyncDispose]();
    expect(driver.calls).toEqual(["close"]);
    for (const closed of [store, child]) {
      const calls = [
        () => closed.get("k"),
        () => closed.set("k", "v"),
        () => closed.touch("k", 1),
        () => closed.delete("k"),
        () => closed.deleteAll(),
        () => closed.exists("k"),
        () => closed.expiresIn("k"),
        () => closed.getMany([]),
        () => closed.setMany([]),
        () => closed.deleteMany([]),
        () => closed.increment("k"),
        () => closed.setIfAbsent("k", "v"),
        () => closed.compareAndSet("k", "v", "w"),
        () => closed.compareAndDelete("k", "v"),
        () => closed.keys()[Symbol.asyncIterator]().next(),
        () => closed.namespaces()[Symbol.asyncIterator]().next(),
        () => closed.deleteExpired(),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "KV_CLOSED" });
      expect(() => closed.withNamespace("b")).toThrow(expect.objectContaining({ code: "KV_CLOSED" }));
    }
    expect(driver.calls).toEqual(["close"]);
  });

  test("L1 closing a namespace closes what was made from it, and neither its parent nor its twin", async () => {
    const driver = mapDriver();
    const store = createStore(driver);
    const child = store.withNamespace("a");
    const grandchild = child.withNamespace("b");
    const twin = store.withNamespace("a");
    await child.close();
    await expect(grandchild.get("k")).rejects.toMatchObject({ code: "KV_CLOSED" });
    await twin.set("k", "v");
    expect(textOf(await store.withNamespace("a").get("k"))).toBe("v");
    expect(driver.calls).not.toContain("close");
  });

  test("L2 it waits for what is under way, of its namespaces too, and only then closes the driver", async () => {
    const driver = mapDriver();
    const pending = deferred<undefined>();
    const earlier = deferred<boolean>();
    const store = createStore(
      {
        ...driver,
        namespace: (path) => ({
          ...driver.namespace(path),
          get: () => pending.promise,
          exists: () => earlier.promise,
        }),
      },
      { timeout: "1d" },
    );
    const other = store.withNamespace("b");
    const read = store.withNamespace("a").get("k");
    const looked = store.withNamespace("a").exists("k");
    let closed = false;
    const closing = store.close().then(() => {
      closed = true;
    });
    await other.close(); // nothing of its own is under way
    earlier.resolve(true);
    await looked;
    await yieldToEventLoop();
    expect(closed).toBe(false);
    expect(driver.calls).toEqual([]);
    pending.resolve(undefined);
    expect(await read).toBeUndefined();
    await closing;
    expect(driver.calls).toEqual(["close"]);
  });

  test("L2 it waits at most for the timeout", async () => {
    vi.useFakeTimers();
    try {
      const driver = mapDriver();
      const root = { ...driver.root, get: () => new Promise<undefined>(() => {}) };
      const store = createStore({ ...driver, root }, { timeout: "2s" });
      void store.get("k");
      const closing = store.close();
      await vi.advanceTimersByTimeAsync(1_999);
      expect(driver.calls).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      await closing;
      expect(driver.calls).toEqual(["close"]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("L2 a driver that does not end within the timeout is told of, and so is one that fails to", async () => {
    const slow = createStore(
      { ...mapDriver(), close: () => new Promise<void>(() => {}) },
      { timeout: "10ms" },
    );
    await expect(slow.close()).rejects.toMatchObject({
      code: "KV_FAILED",
      message: expect.stringMatching(/did not end within 10 ms/),
    });
    const broken = createStore({ ...mapDriver(), close: () => Promise.reject(new Error("no")) });
    await expect(broken.close()).rejects.toMatchObject({
      code: "KV_FAILED",
      message: expect.stringMatching(/^close on a map/),
      cause: new Error("no"),
    });
  });

  test("L1 leaving the block of an await using closes it", async () => {
    const driver = mapDriver();
    {
      await using _ = createStore(driver);
    }
    expect(driver.calls).toEqual(["close"]);
  });

  test("L2 a paused listing is not waited for, and ends with KV_CLOSED", async () => {
    const store = createStore(mapDriver());
    await store.setMany([
      ["a", "1"],
      ["b", "2"],
    ]);
    const listing = store.keys()[Symbol.asyncIterator]();
    expect(await listing.next()).toEqual({ done: false, value: "a" });
    await store.close();
    await expect(listing.next()).rejects.toMatchObject({ code: "KV_CLOSED" });
  });

  test("N6 a driver's listing need not have an end of its own", async () => {
    const driver = mapDriver();
    const pages = [["a"], ["b"]];
    const next = async (): Promise<IteratorResult<string[]>> => {
      const value = pages.shift();
      return value === undefined ? { done: true, value } : { done: false, value };
    };
    const keys = () => ({ [Symbol.asyncIterator]: () => ({ next }) });
    const store = createStore({ ...driver, root: { ...driver.root, keys } });
    const found: string[] = [];
    for await (const key of store.keys()) found.push(key);
    expect(found).toEqual(["a", "b"]);
  });

  test("N6 leaving a listing early ends the driver's own", async () => {
    const driver = mapDriver();
    let ended = false;
    async function* keys(): AsyncGenerator<string[]> {
      try {
        yield ["a", "b"];
        yield ["c"];
      } finally {
        ended = true;
      }
    }
    const store = createStore({ ...driver, root: { ...driver.root, keys } });
    for await (const key of store.keys()) {
      expect(key).toBe("a");
      break;
    }
    expect(ended).toBe(true);
  });
});
