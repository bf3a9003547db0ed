import { spawnSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { yieldToEventLoop } from "@kv/core/driver";
import { replaceTime } from "@kv/core/testing";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { EntryTable } from "../src/entries/entry-table.ts";
import { memoryStore } from "../src/index.ts";
import { expirySweep } from "../src/maintenance/expiry-sweep.ts";
import { NamespaceTree, nodesFrom } from "../src/storage/namespace-tree.ts";
import { MemoryNamespace } from "../src/store/namespace.ts";

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
    await store.set("for ever", "v");
    expect(vi.getTimerCount()).toBe(0);
    await store.delete("for ever");
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

  test("it ends with a store that was collected", async () => {
    const store = memoryStore({ sweepEvery: "1m" });
    await store.set("k", "v", { expiresIn: "1h" });
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const collected = vi.spyOn(WeakRef.prototype, "deref").mockReturnValue(undefined);
    onTestFinished(() => {
      warned.mockRestore();
      collected.mockRestore();
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect([vi.getTimerCount(), warned.mock.calls]).toEqual([0, []]);
  });

  test("closing does not wait for a sweep in progress, however long it may take", async () => {
    let turns = 0;
    // Each piece of the sweep takes longer than a slice, and the event loop never comes back to it.
    const replaced = replaceTime({
      monotonicMs: () => {
        turns += 10;
        return turns;
      },
      setImmediate: () => {},
    });
    onTestFinished(() => replaced[Symbol.dispose]());
    let nowMs = 0;
    const store = memoryStore({ now: () => nowMs, sweepEvery: "1m" });
    await store.set("k", "v", { expiresIn: 1 });
    nowMs = 5_000;
    await vi.advanceTimersByTimeAsync(60_000);
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

test("the background sweep does not hold the entries of a store that nobody holds any more", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const startSweep = (): WeakRef<EntryTable> => {
    const table = new EntryTable(() => 0);
    const sweep = expirySweep(60_000, table);
    new MemoryNamespace(table, sweep, []).set("k", "v", 1_000);
    return new WeakRef(table);
  };
  const table = startSweep();
  await yieldToEventLoop(); // a WeakRef holds its target until the end of the task that made it
  collectGarbage();
  expect(table.deref() === undefined).toBe(true);
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
    { cwd: import.meta.dirname, encoding: "utf8", timeout: 300_000 },
  );
  expect(child).toMatchObject({ status: 0, signal: null, stdout: "done" });
});

describe("namespaces that nobody uses any more leave nothing behind", () => {
  function newTable(): {
    tree: NamespaceTree;
    at: (...path: string[]) => MemoryNamespace;
    pass(ms: number): void;
  } {
    let nowMs = 0;
    const table = new EntryTable(() => nowMs);
    const sweep = expirySweep(Number.POSITIVE_INFINITY, table);
    return {
      tree: table.tree,
      at: (...path) => new MemoryNamespace(table, sweep, path),
      pass: (ms) => {
        nowMs += ms;
      },
    };
  }

  test.each<[how: string, end: (tenant: MemoryNamespace, pass: (ms: number) => void) => unknown]>([
    ["deleted", (tenant) => tenant.delete("k")],
    ["cleared", (tenant) => tenant.deleteAll()],
    ["read after it expired", (tenant, pass) => (pass(2_000), tenant.get("k"))],
    ["swept", (tenant, pass) => (pass(2_000), tenant.deleteExpired())],
  ])("when the last entry is %s", async (_how, end) => {
    const { tree, at, pass } = newTable();
    at("tenants", "a", "b").set("k", "v", 1_000);
    expect(tree.isEmpty).toBe(false);
    await end(at("tenants", "a", "b"), pass);
    expect(tree.isEmpty).toBe(true);
    expect(tree.find(["tenants"])).toBeUndefined();
  });

  test("N1 a store of a namespace that came and went sees what another store of it wrote since", async () => {
    const { at } = newTable();
    const one = at("a", "b");
    const two = at("a", "b");
    one.set("k", "1", 1_000);
    await at("a").deleteAll();
    expect(two.exists("k")).toBe(false);
    two.set("k", "2", 1_000);
    expect(one.exists("k")).toBe(true);
    await at().deleteAll();
    expect(one.exists("k")).toBe(false);
    one.set("k", "3", 1_000);
    await two.deleteAll();
    expect(one.exists("k")).toBe(false);
  });

  test("when the store is closed", () => {
    const table = new EntryTable(() => 0);
    for (const path of [[], ["a", "b"]]) table.put(path, undefined, "k", "v", Number.POSITIVE_INFINITY);
    table.clear();
    expect(table.tree.isEmpty).toBe(true);
  });

  test("a walk comes to a node and each one below it", () => {
    const tree = new NamespaceTree();
    const paths = [[], ["a"], ["a", "b"], ["a", "b", "c"], ["a", "d"], ["e"], ["e", "f"]];
    const nodes = paths.map((path) => tree.findOrAdd(path));
    const walked = [...nodesFrom(tree.findOrAdd([]))];
    expect(walked).toHaveLength(nodes.length);
    expect(new Set(walked)).toEqual(new Set(nodes));
  });

  test("a node that was removed, and is found empty later, does not take the one in its place with it", () => {
    const tree = new NamespaceTree();
    const old = tree.findOrAdd(["a", "b"]);
    tree.remove(old);
    const added = tree.findOrAdd(["a", "b"]);
    tree.removeIfEmpty(old);
    expect(tree.find(["a", "b"])).toBe(added);
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

async function itemsOf(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("T1 an entry is gone from every operation at the very millisecond", async () => {
  let nowMs = 0;
  const store = memoryStore({ now: () => nowMs });
  await store.withNamespace("n").set("k", "v", { expiresIn: 1 });
  await store.set("k", "v", { expiresIn: 1 });
  nowMs = 999;
  expect([await itemsOf(store.keys()), await itemsOf(store.namespaces())]).toEqual([["k"], ["n"]]);
  nowMs = 1_000;
  expect([await itemsOf(store.keys()), await itemsOf(store.namespaces())]).toEqual([[], []]);
  expect(await store.get("k")).toBeUndefined();
  expect(await store.withNamespace("none").deleteExpired()).toBe(0);
  expect(await store.deleteExpired()).toBe(1); // the one in the namespace; the other went when it was looked for
});

test.each(["keys", "namespaces"] as const)(
  "N6 %s lists nothing more of what was emptied meanwhile but the page that it is at",
  async (what) => {
    const store = memoryStore();
    for (let at = 0; at < 600; at += 1) {
      await (what === "keys" ? store : store.withNamespace(`${at}`)).set(`${at}`, "v");
    }
    let came = 0;
    for await (const _ of store[what]()) {
      if (came === 0) await store.deleteAll();
      came += 1;
    }
    expect(came).toBeLessThan(600 / 2);
  },
);

test("S3 T2 a long value that replaces another and keeps its expiry stays as it was passed", async () => {
  const store = memoryStore();
  const value = new Uint8Array(2_000).fill(1);
  await store.set("k", "v", { expiresIn: "1h" });
  await store.set("k", value, { keepExpiry: true });
  value.fill(2);
  expect((await store.get("k"))?.every((byte) => byte === 1)).toBe(true);
});

test("T6 a long sweep yields to others", async () => {
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

test("N6 a long listing yields to others", async () => {
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

test("E1 a timeout that is no duration is refused", () => {
  expect(() => memoryStore({ timeout: 0 })).toThrow(RangeError);
});

test("E1 a misspelt option is refused", () => {
  expect(() => memoryStore({ maxEntires: 5 } as never)).toThrow(/no option "maxEntires".*maxEntries/);
});
