import { describe, expect, test, vi } from "vitest";
import { createStore, utf8 } from "../src/driver.ts";
import { getOrSet, json, StoreError, typed } from "../src/index.ts";
import { deferred, mapDriver, textOf } from "./map-driver.ts";

describe("getOrSet", () => {
  test("it gives what is stored, and does not compute", async () => {
    const driver = mapDriver();
    const store = createStore(driver);
    await store.set("k", "stored");
    const compute = vi.fn(() => "computed");
    expect(textOf(await getOrSet(store, "k", compute, { renewFor: "1m" }))).toBe("stored");
    expect(compute).not.toHaveBeenCalled();
    expect(driver.calls).toEqual(["set Infinity []", "getAndRenew 60000 []"]);
  });

  test("what another stored since it looked is given, and renewed, and not computed", async () => {
    const driver = mapDriver();
    const answers = [undefined, utf8("stored")];
    const renewals: number[] = [];
    const getAndRenew = (_: string, ms: number) => {
      renewals.push(ms);
      return answers.shift();
    };
    const store = createStore({ ...driver, root: { ...driver.root, getAndRenew } });
    const compute = vi.fn(() => "computed");
    expect(textOf(await getOrSet(store, "k", compute, { renewFor: "1m" }))).toBe("stored");
    expect(compute).not.toHaveBeenCalled();
    expect(renewals).toEqual([60_000, 60_000]);
  });

  test("it computes what is missing, stores it with its expiry, and gives it", async () => {
    const driver = mapDriver();
    const users = typed(createStore(driver), json<{ name: string }>());
    expect(await getOrSet(users, "ada", async () => ({ name: "Ada" }), { expiresIn: "1m" })).toEqual({
      name: "Ada",
    });
    expect(driver.calls).toContain("set 60000 []");
    expect(await users.get("ada")).toEqual({ name: "Ada" });
  });

  test("a thousand calls at a time compute once, and each gets a value of its own", async () => {
    const store = createStore(mapDriver());
    const pending = deferred<{ n: number }>();
    const compute = vi.fn(() => pending.promise);
    // Two views, and two stores of one path, are one place.
    const calls = Array.from({ length: 1_000 }, (_, i) =>
      getOrSet(
        typed(i % 2 === 0 ? store.withNamespace("a") : store.withNamespace("a"), json<{ n: number }>()),
        "k",
        compute,
      ),
    );
    await vi.waitFor(() => expect(compute).toHaveBeenCalled(), 60_000);
    pending.resolve({ n: 1 });
    const values = await Promise.all(calls);
    expect(compute).toHaveBeenCalledTimes(1);
    expect(values.every((value) => value.n === 1)).toBe(true);
    expect(new Set(values).size).toBe(1_000);
  });

  test("keys and namespaces that only look alike compute for themselves", async () => {
    const store = createStore(mapDriver());
    const computed = await Promise.all([
      getOrSet(store.withNamespace("a"), "b", () => "1"),
      getOrSet(store.withNamespace("a").withNamespace("b"), "", () => "2"),
      getOrSet(store, "a/b", () => "3"),
      getOrSet(createStore(mapDriver()), "a/b", () => "4"),
    ]);
    expect(computed.map(textOf)).toEqual(["1", "2", "3", "4"]);
  });

  test("what compute throws reaches all, nothing is stored, and the next call computes again", async () => {
    const store = createStore(mapDriver());
    const pending = deferred<string>();
    const calls = [1, 2].map(() => getOrSet(store, "k", () => pending.promise));
    pending.reject(new Error("no"));
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: new Error("no") });
    }
    expect(await store.exists("k")).toBe(false);
    expect(textOf(await getOrSet(store, "k", () => "v"))).toBe("v");
  });

  test("S7 a store that fails is not passed off as a miss", async () => {
    const driver = mapDriver();
    const compute = vi.fn(() => "v");
    const broken = createStore({
      ...driver,
      root: { ...driver.root, get: () => Promise.reject(new Error("down")) },
    });
    await expect(getOrSet(broken, "k", compute)).rejects.toMatchObject({ code: "KV_FAILED" });
    expect(compute).not.toHaveBeenCalled();
  });

  test("where compute gives undefined there is no value: nothing is stored, and all get undefined", async () => {
    const store = createStore(mapDriver());
    const users = typed(store, json<{ name: string }>());
    const compute = vi.fn(async (): Promise<{ name: string } | undefined> => undefined);
    expect(await Promise.all([1, 2].map(() => getOrSet(users, "k", compute)))).toEqual([
      undefined,
      undefined,
    ]);
    expect(compute).toHaveBeenCalledTimes(1);
    expect(await getOrSet(store, "k", () => undefined, { lockFor: "1s" })).toBeUndefined();
    expect(await store.exists("k")).toBe(false);
    expect(await getOrSet(users, "k", () => ({ name: "Ada" }))).toEqual({ name: "Ada" });
  });

  test("E1 what the codec refuses says so, and where", async () => {
    const numbers = typed(createStore(mapDriver()).withNamespace("a"), json<number>());
    await expect(getOrSet(numbers, "k", () => Number.NaN)).rejects.toMatchObject({
      code: "KV_INVALID_VALUE",
      message: expect.stringMatching(/^getOrSet on a map, namespace "a": .*NaN.*Nothing was written/),
    });
    await numbers.store.set("k", "no JSON");
    await expect(getOrSet(numbers, "k", () => 1)).rejects.toMatchObject({
      code: "KV_INVALID_VALUE",
      message: expect.stringMatching(/^getOrSet on a map, namespace "a": .*not JSON.*set or delete it/),
    });
  });

  test.each([null, 5, {}])("E1 computing %s rejects, and nothing is stored", async (value) => {
    const store = createStore(mapDriver());
    await expect(getOrSet(store, "k", () => value as never)).rejects.toThrow(TypeError);
    expect(await store.exists("k")).toBe(false);
  });
});

describe("getOrSet with lockFor", () => {
  /** Two processes: two stores that share data but not the computations under way. */
  function twoProcesses() {
    const driver = mapDriver();
    return [createStore(driver), createStore({ ...driver })] as const;
  }

  test("another process waits for the one that computes, and gets its value", async () => {
    const [one, two] = twoProcesses();
    const pending = deferred<string>();
    const first = getOrSet(one, "k", () => pending.promise, { lockFor: "1m" });
    await vi.waitFor(async () => expect(await one.withNamespace("getOrSet").exists("k")).toBe(true), 60_000);
    const compute = vi.fn(() => "second");
    const second = getOrSet(two, "k", compute, { lockFor: "1m" });
    pending.resolve("first");
    expect((await Promise.all([first, second])).map(textOf)).toEqual(["first", "first"]);
    expect(compute).not.toHaveBeenCalled();
    expect(await one.withNamespace("getOrSet").exists("k")).toBe(false);
  });

  test("who waits takes what the other stored, and renews it, though the lock is still held", async () => {
    const driver = mapDriver();
    const store = createStore(driver);
    await store.withNamespace("getOrSet").set("k", "the lock of another");
    const answers = [undefined, utf8("stored")];
    const getAndRenew = (_: string, ms: number) => (driver.calls.push(`renewed ${ms}`), answers.shift());
    const waiting = createStore({ ...driver, root: { ...driver.root, getAndRenew } });
    const compute = vi.fn(() => "computed");
    const value = await getOrSet(waiting, "k", compute, { lockFor: "1m", renewFor: "1h" });
    expect(textOf(value)).toBe("stored");
    expect(compute).not.toHaveBeenCalled();
    expect(driver.calls.at(-1)).toBe("renewed 3600000");
  });

  test.each([
    [new StoreError("KV_UNAVAILABLE", "away"), "v"],
    [new Error("a bug"), "a bug"],
  ])("a lock that %s keeps from being released ends by itself, a bug is told", async (error, outcome) => {
    const store = createStore(mapDriver());
    const locks = { ...createStore(mapDriver()), compareAndDelete: () => Promise.reject(error) };
    const value = getOrSet({ ...store, withNamespace: () => locks } as typeof store, "k", () => "v", {
      lockFor: "1m",
    });
    expect(await value.then(textOf, (reason: Error) => reason.message)).toBe(outcome);
  });

  test("when the one that computes fails, the other computes", async () => {
    const [one, two] = twoProcesses();
    const pending = deferred<string>();
    const first = getOrSet(one, "k", () => pending.promise, { lockFor: "1m" });
    await vi.waitFor(async () => expect(await one.withNamespace("getOrSet").exists("k")).toBe(true), 60_000);
    const second = getOrSet(two, "k", () => "second", { lockFor: "1m" });
    pending.reject(new Error("no"));
    await expect(first).rejects.toThrow("no");
    expect(textOf(await second)).toBe("second");
  });

  test("the lock expires with a dead process, and is renewed by a living one", async () => {
    const driver = mapDriver();
    const store = createStore(driver);
    const pending = deferred<string>();
    const call = getOrSet(store, "k", () => pending.promise, { lockFor: "30ms" });
    const renewals = (): number =>
      driver.calls.filter((made) => made.startsWith('compareAndSet 30 ["getOrSet"]')).length;
    await vi.waitFor(() => expect(renewals()).toBeGreaterThan(1), { timeout: 60_000 });
    expect(driver.calls).toContain('setIfAbsent 30 ["getOrSet"]');
    pending.resolve("v");
    await call;
  });

  test("it works where a timer is a number, as in browsers and workers", async () => {
    const started = vi.spyOn(globalThis, "setInterval").mockImplementation(() => 1 as never);
    try {
      const value = await getOrSet(createStore(mapDriver()), "k", () => "v", { lockFor: "1m" });
      expect(textOf(value)).toBe("v");
      expect(started).toHaveBeenCalledExactlyOnceWith(expect.any(Function), 20_000);
    } finally {
      started.mockRestore();
    }
  });

  test("E1 a store that cannot lock is refused", async () => {
    const { root } = mapDriver();
    const store = createStore({ label: "no namespaces", root });
    await expect(getOrSet(store, "k", () => "v", { lockFor: "1m" })).rejects.toThrow(/lockFor needs a store/);
    expect(textOf(await getOrSet(store, "k", () => "v"))).toBe("v");
  });
});

test("E1 getOrSet with a misspelt option is refused, and computes nothing", async () => {
  const store = createStore(mapDriver());
  const compute = vi.fn(async () => "v");
  await expect(getOrSet(store, "k", compute, { ttl: 60 } as never)).rejects.toThrow(
    /no option "ttl".*expiresIn/,
  );
  expect(compute).not.toHaveBeenCalled();
});
