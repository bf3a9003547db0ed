import { memoryStore } from "@kv/memory";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import { Keyv } from "keyv";
import { LRUCache } from "lru-cache";
import { createStorage } from "unstorage";
import { type Comparison, compareSubjects, type Pace } from "../comparison.ts";
import { cases } from "../operations.ts";
import { type Subjects, serveSubject } from "../subject-process.ts";
import { bareMap } from "../subjects/bare-map.ts";
import { ours } from "../subjects/ours.ts";
import { cacheable, cacheManager, keyv, lruCache, unstorageOfBytes } from "../subjects/peers.ts";

const measured = [
  ...cases(["get hit", "get miss", "set", "set with TTL"], ["100 B"], [1, 32, 256]),
  ...cases(["renew", "touch", "increment", "getMany 100", "setMany 100", "deleteAll 1000"], ["100 B"], [1]),
  ...cases(["get hit", "set"], ["10 KiB", "1 MiB"], [1]),
];

const subjects: Subjects = {
  Map: () => bareMap(),
  "@kv/memory": () => ours(memoryStore()),
  "@kv/memory, limited": () => ours(memoryStore({ maxEntries: 100_000 })),
  keyv: () => keyv(new Keyv()),
  unstorage: () => unstorageOfBytes(createStorage()),
  "lru-cache": () => lruCache(new LRUCache({ max: 100_000 })),
  "cache-manager": () => cacheManager(createCache()),
  cacheable: () => cacheable(new Cacheable()),
};

serveSubject(subjects);

export async function memory(pace: Pace): Promise<Comparison> {
  const lines = await compareSubjects(
    { module: new URL(import.meta.url), names: Object.keys(subjects), target: "", cases: measured },
    pace,
  );
  return {
    title: "Memory",
    base: "Map",
    ours: "@kv/memory",
    notes: [
      "`Map` is a Map behind an async function that copies on the way in and out.",
      "The peers keep references, or text, and copy nothing: for 10 KiB and more that is what they gain.",
    ],
    lines,
  };
}
