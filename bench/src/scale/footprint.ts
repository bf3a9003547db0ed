import { memoryStore } from "@kv/memory";
import { createCache } from "cache-manager";
import { Keyv } from "keyv";
import { LRUCache } from "lru-cache";
import { createStorage } from "unstorage";
import { sampleOf } from "../subject.ts";
import { collectAllGarbage, runTask, serveTask, type Tasks } from "./task.ts";

const entries = 1_000_000;

/** Each keeps the same bytes, a copy for every entry; those that keep text, the same as text. */
const setters: Readonly<Record<string, () => (key: string, at: number) => unknown>> = {
  "@kv/memory"() {
    const store = memoryStore();
    return (key, at) => store.set(key, valueOf(at));
  },
  "@kv/memory, limited"() {
    const store = memoryStore({ maxEntries: entries });
    return (key, at) => store.set(key, valueOf(at));
  },
  Map() {
    const map = new Map<string, Uint8Array>();
    return (key, at) => map.set(key, new Uint8Array(valueOf(at)));
  },
  "lru-cache"() {
    const cache = new LRUCache<string, Uint8Array>({ max: entries });
    return (key, at) => cache.set(key, new Uint8Array(valueOf(at)));
  },
  keyv() {
    const keyv = new Keyv();
    return (key, at) => keyv.set(key, textOf(at));
  },
  "cache-manager"() {
    const cache = createCache();
    return (key, at) => cache.set(key, textOf(at));
  },
  unstorage() {
    const storage = createStorage();
    return (key, at) => storage.setItemRaw(key, new Uint8Array(valueOf(at)));
  },
};

const tasks: Tasks = Object.fromEntries(
  Object.entries(setters).map(([name, make]) => [name, () => footprintOf(make())]),
);

serveTask(tasks);

/** The bytes of the process that an entry of 100 B takes, by name. */
export async function measureFootprints(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of Object.keys(tasks)) {
    found[name] = Number(await runTask(new URL(import.meta.url), name));
    process.stderr.write(`${name}: ${found[name].toFixed(0)} bytes an entry\n`);
  }
  return found;
}

async function footprintOf(set: (key: string, at: number) => unknown): Promise<number> {
  for (let at = 0; at < 10_000; at += 1) await set(`user:${at}`, at); // the code is compiled by then
  collectAllGarbage();
  const before = process.memoryUsage.rss();
  for (let at = 10_000; at < entries; at += 1) await set(`user:${at}`, at);
  collectAllGarbage();
  const after = process.memoryUsage.rss();
  await set("user:0", 0); // it is still held
  return (after - before) / (entries - 10_000);
}

const { text } = sampleOf(90);

/** No two are the same string. */
function textOf(at: number): string {
  return `${String(at).padStart(10, "0")}${text}`;
}

function valueOf(at: number): Uint8Array {
  return Buffer.from(textOf(at));
}
