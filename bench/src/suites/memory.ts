import { memoryStore } from "@kv/memory";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import { Keyv } from "keyv";
import { LRUCache } from "lru-cache";
import { createStorage } from "unstorage";
import { type Comparison, compareSubjects, type Pace } from "../comparison.ts";
import { cases } from "../operations.ts";
import { bareMap } from "../subjects/bare-map.ts";
import { ours } from "../subjects/ours.ts";
import { cacheable, cacheManager, keyv, lruCache, unstorageOfBytes } from "../subjects/peers.ts";

const measured = [
  ...cases(["get hit", "get miss", "set", "set with TTL"], ["100 B"], [1, 32, 256]),
  ...cases(["renew", "touch", "increment", "getMany 100", "setMany 100", "deleteAll 1000"], ["100 B"], [1]),
  ...cases(["get hit", "set"], ["10 KiB", "1 MiB"], [1]),
];

export async function memory(pace: Pace): Promise<Comparison> {
  const subjects = [
    bareMap("Map"),
    ours("@kv/memory", memoryStore()),
    ours("@kv/memory, limited", memoryStore({ maxEntries: 100_000 })),
    keyv("keyv", new Keyv()),
    unstorageOfBytes("unstorage", createStorage()),
    lruCache("lru-cache", new LRUCache({ max: 100_000 })),
    cacheManager("cache-manager", createCache()),
    cacheable("cacheable", new Cacheable()),
  ];
  const lines = await compareSubjects(subjects, measured, pace);
  for (const { close } of subjects) await close?.();
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
