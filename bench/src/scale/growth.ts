import type { FullStore } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { LRUCache } from "lru-cache";
import { compareSubjects, type Pace } from "../comparison.ts";
import type { Line } from "../line.ts";
import { type Subject, sampleOf } from "../subject.ts";
import { type Subjects, serveSubject } from "../subject-process.ts";

const counts = {
  "10 thousand entries": 10_000,
  "100 thousand entries": 100_000,
  "1 million entries": 1_000_000,
} as const;
const spreads = {
  "1 namespace": 1,
  "10 namespaces": 10,
  "100 namespaces": 100,
  "1,000 namespaces": 1_000,
} as const;

const subjects: Subjects = {
  ...Object.fromEntries(
    Object.entries(counts).flatMap(([name, count]) => [
      [name, () => many(count, 1)],
      [`lru-cache ${name}`, () => manyInLru(count)],
    ]),
  ),
  ...Object.fromEntries(Object.entries(spreads).map(([name, spread]) => [name, () => many(100_000, spread)])),
};

serveSubject(subjects);

export interface Growth {
  /** Beside 10 thousand entries. */
  readonly entries: readonly Line[];
  readonly entriesOfLru: readonly Line[];
  /** Beside one namespace. */
  readonly namespaces: readonly Line[];
}

/** How much slower a call gets where there is more. */
export async function measureGrowth(pace: Pace): Promise<Growth> {
  const beside = (names: readonly string[]): Promise<Line[]> =>
    compareSubjects(
      {
        module: new URL(import.meta.url),
        names,
        target: "",
        cases: (["get hit", "set"] as const).map((operation) => ({
          operation,
          size: "100 B",
          concurrency: 1,
        })),
      },
      pace,
    );
  return {
    entries: await beside(Object.keys(counts)),
    entriesOfLru: await beside(Object.keys(counts).map((name) => `lru-cache ${name}`)),
    namespaces: await beside(Object.keys(spreads)),
  };
}

/** Calls go to any of the entries, by no pattern that a cache of the processor could follow. */
async function many(count: number, spread: number): Promise<Subject> {
  const root = memoryStore();
  const stores: FullStore[] = Array.from({ length: spread }, (_, at) => root.withNamespace(`tenant ${at}`));
  const { bytes } = sampleOf(100);
  const keys = Array.from({ length: count }, (_, at) => `user:${at}`);
  for (const [at, key] of keys.entries()) await stores[at % spread]?.set(key, bytes);
  const any = anyOf(count);
  return {
    get() {
      const at = any();
      return (stores[at % spread] as FullStore).get(keys[at] as string);
    },
    set(_, value) {
      const at = any();
      return (stores[at % spread] as FullStore).set(keys[at] as string, value.bytes);
    },
  };
}

async function manyInLru(count: number): Promise<Subject> {
  const cache = new LRUCache<string, Uint8Array>({ max: count });
  const { bytes } = sampleOf(100);
  const keys = Array.from({ length: count }, (_, at) => `user:${at}`);
  for (const key of keys) cache.set(key, new Uint8Array(bytes));
  const any = anyOf(count);
  return {
    async get() {
      const found = cache.get(keys[any()] as string);
      return found && new Uint8Array(found);
    },
    async set(_, value) {
      cache.set(keys[any()] as string, new Uint8Array(value.bytes));
    },
  };
}

/** Each number below `count` as likely as any other, the same order each time. */
function anyOf(count: number): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
}
