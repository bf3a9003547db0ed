import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Entries } from "../src/entries.ts";
import { memoryStore } from "../src/index.ts";
import { memoryNamespace } from "../src/memory-namespace.ts";
import { NamespaceTree } from "../src/namespace-tree.ts";

describe("the background sweep", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("it removes what has expired, and rests while there is nothing to sweep", async () => {
    let nowMs = 0;
    const store = memoryStore({ now: () => nowMs, sweepEvery: "1m" });
    expect(vi.getTimerCount()).toBe(0); // L4
    await store.set("k", "v", { expiresIn: 1 });
    expect(vi.getTimerCount()).toBe(1);
    nowMs = 5_000;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await store.deleteExpired()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("it goes on while something may still expire, and ends with the store", async () => {
    let nowMs = 0;
    const store = memoryStore({ now: () => nowMs, sweepEvery: "1m" });
    await store.set("a", "v", { expiresIn: 1 });
    await store.set("b", "v", { expiresIn: 100 });
    nowMs = 5_000;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(vi.getTimerCount()).toBe(1);
    nowMs = 200_000;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await store.deleteExpired()).toBe(0);
    await store.set("c", "v", { expiresIn: 1 });
    await store.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("sweepEvery: Infinity turns it off, and a century does not overflow the timer", async () => {
    const off = memoryStore({ sweepEvery: Number.POSITIVE_INFINITY });
    await off.set("k", "v", { expiresIn: 1 });
    expect(vi.getTimerCount()).toBe(0);
    const rare = memoryStore({ sweepEvery: "36525d" });
    await rare.set("k", "v", { expiresIn: 1 });
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(vi.getTimerCount()).toBe(1);
  });
});

test("L3 a store with entries that will expire does not keep the process alive", () => {
  const script = `
    import { memoryStore } from "@kv/memory";
    const store = memoryStore({ sweepEvery: "1h" });
    await store.set("k", "v", { expiresIn: "1h" });
    process.stdout.write("done");
  `;
  const child = spawnSync(
    process.execPath,
    ["--conditions=@kv/source", "--import", "tsx", "--input-type=module", "--eval", script],
    { cwd: import.meta.dirname, encoding: "utf8", timeout: 60_000 },
  );
  expect(child).toMatchObject({ status: 0, signal: null, stdout: "done" });
});

describe("namespaces that nobody uses any more leave nothing behind", () => {
  function newEntries(): {
    entries: Entries;
    at: (...path: string[]) => ReturnType<typeof memoryNamespace>;
    pass(ms: number): void;
  } {
    let nowMs = 0;
    const entries = new Entries(() => nowMs, undefined);
    return {
      entries,
      at: (...path) => memoryNamespace(entries, undefined, path),
      pass: (ms) => {
        nowMs += ms;
      },
    };
  }

  test.each<
    [how: string, end: (tenant: ReturnType<typeof memoryNamespace>, pass: (ms: number) => void) => unknown]
  >([
    ["deleted", (tenant) => tenant.delete("k")],
    ["cleared", (tenant) => tenant.deleteAll()],
    ["read after it expired", (tenant, pass) => (pass(2_000), tenant.get("k"))],
    ["swept", (tenant, pass) => (pass(2_000), tenant.deleteExpired())],
  ])("when the last entry is %s", async (_how, end) => {
    const { entries, at, pass } = newEntries();
    await at("tenants", "a", "b").set("k", "v", 1_000);
    expect(entries.tree.isEmpty).toBe(false);
    await end(at("tenants", "a", "b"), pass);
    expect(entries.tree.isEmpty).toBe(true);
    expect(entries.tree.find(["tenants"])).toBeUndefined();
  });

  test("N1 a store of a namespace that came and went sees what another store of it wrote since", async () => {
    const { at } = newEntries();
    const one = at("a", "b");
    const two = at("a", "b");
    await one.set("k", "1", 1_000);
    await at("a").deleteAll();
    expect(await two.exists("k")).toBe(false);
    await two.set("k", "2", 1_000);
    expect(await one.exists("k")).toBe(true);
    await at().deleteAll();
    expect(await one.exists("k")).toBe(false);
  });

  test("a node is taken out with all that it alone held up", () => {
    const tree = new NamespaceTree();
    const node = tree.findOrAdd(["a", "b", "c"]);
    tree.removeIfEmpty(node);
    expect(tree.find(["a"])).toBeUndefined();
    tree.remove(tree.findOrAdd(["a", "b"]));
    expect(tree.isEmpty).toBe(true);
  });
});

test("T6 a long sweep gives way to others", async () => {
  let nowMs = 0;
  const store = memoryStore({ now: () => nowMs });
  await store.setMany(
    Array.from({ length: 200_000 }, (_, i) => [`${i}`, ""] as const),
    { expiresIn: 1 },
  );
  nowMs = 2_000;
  let turns = 0;
  const turn = setInterval(() => {
    turns += 1;
  }, 0);
  const swept = store.deleteExpired().finally(() => clearInterval(turn));
  expect(await swept).toBe(200_000);
  expect(turns).toBeGreaterThan(0);
});

test("N6 a long listing gives way to others", async () => {
  const store = memoryStore();
  await store.setMany(Array.from({ length: 200_000 }, (_, i) => [`${i}`, ""] as const));
  let turns = 0;
  const turn = setInterval(() => {
    turns += 1;
  }, 0);
  let listed = 0;
  for await (const _ of store.keys()) listed += 1;
  clearInterval(turn);
  expect(listed).toBe(200_000);
  expect(turns).toBeGreaterThan(0);
});

test("E1 a misspelt option is refused", () => {
  expect(() => memoryStore({ maxEntires: 5 } as never)).toThrow(/no option "maxEntires".*maxEntries/);
});
