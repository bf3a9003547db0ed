import { memoryStore } from "@kv/memory";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import { Keyv } from "keyv";
import { LRUCache } from "lru-cache";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { createStorage } from "unstorage";
import { type Comparison, compareSubjects, type Pace } from "../comparison.ts";
import { type Goal, outcomeOf } from "../goals.ts";
import { cases } from "../operations.ts";
import { type Subjects, serveSubject } from "../subject-process.ts";
import { bareMap } from "../subjects/bare-map.ts";
import { ours } from "../subjects/ours.ts";
import {
  cacheable,
  cacheManager,
  keyv,
  lruCache,
  rateLimiterFlexible,
  unstorageOfBytes,
} from "../subjects/peers.ts";

const measured = [
  ...cases(["get hit", "get miss", "set", "set with TTL"], ["100 B"], [1, 32, 256]),
  ...cases(
    ["renew", "touch", "increment", "rate limit check", "getMany 100", "setMany 100", "deleteAll 1000"],
    ["100 B"],
    [1],
  ),
  ...cases(["get hit", "set"], ["10 KiB", "1 MiB"], [1]),
];

const goals: readonly Goal[] = (
  [
    [["Map"], 0.9],
    [["keyv"], 3],
    [["unstorage"], 1.5],
  ] as const
).map(([others, least]) => ({ operation: "get hit", size: "100 B", concurrency: 1, others, least }));

const subjects: Subjects = {
  Map: () => bareMap(),
  "@kv/memory": () => ours(memoryStore()),
  "@kv/memory, limited": () => ours(memoryStore({ maxEntries: 100_000 })),
  keyv: () => keyv(new Keyv()),
  unstorage: () => unstorageOfBytes(createStorage()),
  "lru-cache": () => lruCache(new LRUCache({ max: 100_000 })),
  "cache-manager": () => cacheManager(createCache()),
  cacheable: () => cacheable(new Cacheable()),
  "rate-limiter-flexible": () => rateLimiterFlexible(new RateLimiterMemory({ points: 1e9, duration: 60 })),
};

/** As measured with a profiler. */
const limits: readonly string[] = [
  "A get that copies out of an array that many values share costs 6 to 11 % more than copying an array of its own, by itself; nearly all of both is the making of the new array. In exchange a set is 2.5 to 4 times as fast as one that makes an array, and an entry takes less than half the memory.",
];

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
    pictured: [
      ["get hit", "100 B", 1],
      ["set", "100 B", 1],
    ],
    limits,
    outcomes: goals.map((goal) => outcomeOf(goal, "@kv/memory", lines)),
  };
}
