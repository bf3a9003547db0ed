import { type MemoryStore, memoryStore } from "@kv/memory";
import { Keyv } from "keyv";
import { LRUCache } from "lru-cache";
import { sampleOf } from "../subject.ts";
import { collectAllGarbage, runTask, serveTask, type Tasks } from "./task.ts";

const entries = 1_000_000;

/** How long the job took, and the longest time in which nothing else could run meanwhile. */
export interface Stall {
  readonly tookMs: number;
  readonly longestMs: number;
}

const tasks: Tasks = {
  "set of a million, a hundred at a time": async () => {
    const store = memoryStore();
    return stallOf(() => hundreds((at) => store.set(`user:${at}`, value)));
  },
  "Map: set of a million, a hundred at a time": async () => {
    const map = new Map<string, Uint8Array>();
    return stallOf(() => hundreds((at) => map.set(`user:${at}`, new Uint8Array(value))));
  },
  "deleteExpired, a million expired": async () => {
    let nowMs = 0;
    const store = memoryStore({ now: () => nowMs });
    await fill(store, 1);
    nowMs = 10_000;
    return stallOf(() => store.deleteExpired());
  },
  "deleteExpired, one in ten expired": async () => {
    let nowMs = 0;
    const store = memoryStore({ now: () => nowMs });
    await fill(store, 10);
    nowMs = 10_000;
    return stallOf(() => store.deleteExpired());
  },
  "deleteAll of a million": async () => {
    const store = memoryStore();
    await fill(store);
    return stallOf(() => store.deleteAll());
  },
  "deleteAll of a million, with limits": async () => {
    const store = memoryStore({ maxEntries: entries });
    await fill(store);
    return stallOf(() => store.deleteAll());
  },
  "keys of a million": async () => {
    const store = memoryStore();
    await fill(store);
    return stallOf(async () => {
      let count = 0;
      for await (const key of store.keys()) count += key.length > 0 ? 1 : 0;
      if (count !== entries) throw new Error(`${count} keys came.`);
    });
  },
  "lru-cache: purgeStale, a million stale": async () => {
    let nowMs = 0;
    const cache = new LRUCache<string, Uint8Array>({
      max: entries,
      ttl: 1_000,
      perf: { now: () => (nowMs += 1e-3) },
    });
    for (let at = 0; at < entries; at += 1) cache.set(`user:${at}`, new Uint8Array(value));
    nowMs = 1e9;
    return stallOf(() => cache.purgeStale());
  },
  "keyv: clear of a million": async () => {
    const keyv = new Keyv();
    for (let at = 0; at < entries; at += 1) await keyv.set(`user:${at}`, "x");
    return stallOf(() => keyv.clear());
  },
  nothing: async () => {
    const store = memoryStore();
    await fill(store);
    return stallOf(() => new Promise((resolve) => setTimeout(resolve, 300)));
  },
};

serveTask(tasks);

export async function measureStalls(rounds: number): Promise<Record<string, Stall>> {
  const found: Record<string, Stall> = {};
  for (const name of Object.keys(tasks)) {
    const tries: Stall[] = [];
    for (let round = 0; round < rounds; round += 1) {
      tries.push((await runTask(new URL(import.meta.url), name)) as Stall);
    }
    // What else runs on the machine only makes it longer.
    const [least] = tries.toSorted((a, b) => a.longestMs - b.longestMs);
    if (least !== undefined) found[name] = least;
    process.stderr.write(`${name}: ${tries.map(({ longestMs }) => longestMs.toFixed(1)).join(", ")} ms\n`);
  }
  return found;
}

const value = sampleOf(100).bytes;

/** One entry of so many expires. */
async function fill(store: MemoryStore, oneIn = 0): Promise<void> {
  for (let at = 0; at < entries; at += 1) {
    await store.set(`user:${at}`, value, oneIn > 0 && at % oneIn === 0 ? { expiresIn: 1 } : undefined);
  }
}

/** Others have their turn after each hundred. */
async function hundreds(set: (at: number) => unknown): Promise<void> {
  for (let from = 0; from < entries; from += 100) {
    for (let at = from; at < from + 100; at += 1) set(at);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function stallOf(job: () => unknown): Promise<Stall> {
  collectAllGarbage();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const state = { hasEnded: false };
  let longestMs = 0;
  const beganMs = performance.now();
  const ticking = (async () => {
    let lastMs = performance.now();
    while (!state.hasEnded) {
      await new Promise((resolve) => setImmediate(resolve));
      const nowMs = performance.now();
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
    }
  })();
  await job();
  const tookMs = performance.now() - beganMs;
  state.hasEnded = true;
  await ticking;
  return { tookMs, longestMs };
}
