import { bytesLaidDown, functionsEntered, promisesMade } from "@kv/test-support";
import { describe, expect, test } from "vitest";
import { createStore } from "../src/driver.ts";
import { mapDriver } from "./map-driver.ts";

// What a call costs, counted in what does not vary with the machine.

const keys = Array.from({ length: 100 }, (_, at) => `key ${at}`);

describe("promises", () => {
  const calls = {
    get: (store) => store.get("k"),
    "get that renews": (store) => store.get("k", { renewFor: "1h" }),
    set: (store) => store.set("k", "v"),
    touch: (store) => store.touch("k", "1h"),
    increment: (store) => store.increment("n"),
    "getMany of 100": (store) => store.getMany(keys),
    "deleteMany of 100": (store) => store.deleteMany(keys),
  } satisfies Record<string, (store: ReturnType<typeof stored>) => Promise<unknown>>;

  for (const [name, call] of Object.entries(calls)) {
    test(`${name}, answered at once, costs one`, async () => {
      const store = stored();
      await call(store);
      expect(await promisesMade(() => call(store))).toBe(1);
    });
  }

  test("a call that is answered later costs one beside the driver's own", async () => {
    const driver = mapDriver();
    const root = { ...driver.root, get: async () => undefined };
    const store = createStore({ ...driver, root });
    expect(await promisesMade(() => store.get("k"))).toBe(2);
  });
});

describe("functions entered by one warm call", () => {
  test.each([
    ["get", 5, (store) => store.get("k")],
    ["set", 9, (store) => store.set("k", "v")],
    ["set that expires", 15, (store) => store.set("k", "v", { expiresIn: "1h" })],
    ["get that renews", 10, (store) => store.get("k", { renewFor: "1h" })],
  ] satisfies [string, number, (store: ReturnType<typeof stored>) => Promise<unknown>][])(
    "%s: at most %i",
    async (_, count, call) => {
      const store = createStore({ ...mapDriver(), copiesValues: true });
      for (let warm = 0; warm < 3; warm += 1) await call(store);
      const entered = await functionsEntered("core", () => call(store));
      expect(entered.length, entered.join("\n")).toBeLessThanOrEqual(count);
    },
  );
});

describe("bytes copied", () => {
  const value = new Uint8Array(1_000).fill(0xff);

  test("set copies them once, get copies them once", () => {
    const store = stored();
    expect(bytesLaidDown(() => store.set("k", value))).toBe(1_000);
    expect(bytesLaidDown(() => store.get("k"))).toBe(1_000);
  });

  test("where the driver copies, core does not", () => {
    const driver = mapDriver();
    const store = createStore({ ...driver, copiesValues: true });
    expect(bytesLaidDown(() => store.set("k", value))).toBe(0);
    expect(bytesLaidDown(() => store.get("k"))).toBe(0);
  });
});

function stored(): ReturnType<typeof createStore<ReturnType<typeof mapDriver>>> {
  return createStore(mapDriver());
}
