import { setTimeout as delay } from "node:timers/promises";
import { isStoreError, StoreError } from "@kv/core";
import { type FullDriverNamespace, inBackground } from "@kv/core/driver";
import type { ReferenceData } from "../reference-driver.ts";
import { driverMutant, type Mutant, slowMutant, storeMutant, sync, turn } from "./mutant.ts";
import { takeOf } from "./slow-driver.ts";

const none = Number.POSITIVE_INFINITY;

type Method = Exclude<keyof FullDriverNamespace, "keys" | "namespaces">;
type Call = (...args: readonly unknown[]) => unknown;

function callOf(namespace: FullDriverNamespace, method: Method): Call {
  return { ...namespace, take: takeOf(namespace) }[method] as Call;
}

/** Answers by itself while the backend fails. */
function answers(flaw: string, method: Method, answer: Call): Mutant {
  return driverMutant("S7", flaw, ({ namespace, data }) => {
    const call = callOf(namespace, method);
    return { [method]: (...args: readonly unknown[]) => (data.failing ? answer(...args) : call(...args)) };
  });
}

const written: readonly Method[] = [
  "set",
  "getAndRenew",
  "touch",
  "delete",
  "deleteAll",
  "setMany",
  "deleteMany",
  "increment",
  "setIfAbsent",
  "compareAndSet",
  "compareAndDelete",
  "take",
];

/** Rejects a write as not done, and has done it. */
function isDone(method: Method): Mutant {
  return driverMutant("S7", `${method} that was rejected as not sent was done`, ({ namespace, data }) => {
    const call = callOf(namespace, method);
    return {
      [method](...args: readonly unknown[]) {
        if (!data.failing) return call(...args);
        data.failing = false;
        try {
          call(...args);
        } catch {
          // its reply was lost too
        }
        data.failing = true;
        throw new StoreError("KV_UNAVAILABLE", "the connection was lost.");
      },
    };
  });
}

/** Rejects a write as not done, and tries it again until it is done. */
function isRetried(method: Method): Mutant {
  return driverMutant(
    "S7",
    `${method} that was rejected is tried again some ms after the backend works`,
    ({ namespace, data }) => {
      const call = callOf(namespace, method);
      return {
        [method](...args: readonly unknown[]) {
          if (data.failing) inBackground(() => retry(data, () => call(...args)));
          return call(...args);
        },
      };
    },
  );
}

async function retry(data: ReferenceData, work: () => unknown): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    await delay(4);
    if (data.failing) continue;
    await delay(4);
    try {
      work();
    } catch {
      // it was worth a try
    }
    return;
  }
}

/** A damaged entry, as a method meets it. */
function damaged(
  rule: "S7",
  flaw: string,
  method: Method,
  answer: (key: string, call: Call, args: readonly unknown[]) => unknown,
): Mutant {
  return driverMutant(rule, flaw, ({ namespace, data, path }) => {
    const call = callOf(namespace, method);
    const isDamaged = (key: string): boolean => data.find(path, key)?.damaged === true;
    return {
      [method]: (...args: readonly unknown[]) => {
        const [key] = args as [string];
        return isDamaged(key) ? answer(key, call, args) : call(...args);
      },
    };
  });
}

function corrupt(): never {
  throw new StoreError("KV_CORRUPT", "the entry is damaged.");
}

/** Pages of a listing, for each of which the backend is asked. */
async function* paged(
  items: readonly string[],
  ask: () => unknown,
  swallows: boolean,
): AsyncGenerator<readonly string[]> {
  for (let at = 0; at < items.length; at += 5) {
    if (at > 0) await turn();
    try {
      ask();
    } catch (error) {
      if (at > 0 && swallows) return;
      throw error;
    }
    yield items.slice(at, at + 5);
  }
}

/** Does the items some at a time, with a turn between, and takes an error after the first of them for the end. */
async function inChunks<T>(items: readonly T[], work: (chunk: readonly T[]) => void): Promise<number> {
  for (let at = 0; at < items.length; at += 10) {
    if (at > 0) await turn();
    try {
      work(items.slice(at, at + 10));
    } catch (error) {
      if (at > 0) return at;
      throw error;
    }
  }
  return items.length;
}

export const faultMutants: readonly Mutant[] = [
  answers("while the backend fails touch says that there is no entry", "touch", () => false),
  answers("while the backend fails delete says that there was no entry", "delete", () => false),
  answers("while the backend fails exists is false", "exists", () => false),
  answers("while the backend fails expiresIn says that there is no entry", "expiresInMs", () => undefined),
  answers("while the backend fails get with renewFor is a miss", "getAndRenew", () => undefined),
  answers("while the backend fails getMany gives misses", "getMany", (keys) =>
    (keys as string[]).map(() => undefined),
  ),
  answers("while the backend fails setMany passes for done", "setMany", () => undefined),
  answers("while the backend fails deleteMany deletes nothing", "deleteMany", () => 0),
  answers("while the backend fails increment counts by itself", "increment", (_, by) => ({
    value: by,
    expiresInMs: none,
  })),
  answers("while the backend fails setIfAbsent lets everybody in", "setIfAbsent", () => true),
  answers("while the backend fails compareAndSet finds another value", "compareAndSet", () => false),
  answers("while the backend fails compareAndDelete finds another value", "compareAndDelete", () => false),
  driverMutant("S7", "while the backend fails there are no namespaces", ({ namespace, data }) => ({
    async *namespaces() {
      if (!data.failing) yield* namespace.namespaces();
    },
  })),
  ...written.map(isDone),
  ...written.map(isRetried),

  driverMutant("S7", "keys ends where the backend fails after the first page", ({ data, path }) => ({
    async *keys() {
      yield* paged(data.keys(path), () => data.entries(path), true);
    },
  })),
  driverMutant(
    "S7",
    "namespaces ends where the backend fails after the first page",
    ({ namespace, data, path }) => ({
      async *namespaces() {
        for await (const names of namespace.namespaces()) yield* paged(names, () => data.entries(path), true);
      },
    }),
  ),
  storeMutant("S7", "entries ends where the backend fails after the first entry", (store) => ({
    async *entries(options) {
      let given = 0;
      try {
        for await (const entry of store.entries(options)) {
          given += 1;
          yield entry;
        }
      } catch (error) {
        if (given === 0 || !isStoreError(error, "KV_UNAVAILABLE")) throw error;
      }
    },
  })),
  slowMutant("S7", "deleteAll resolves where the backend fails after the first page", ({ data, path }) => ({
    async deleteAll() {
      const below = data
        .pathsFrom(path)
        .flatMap((each) => [...data.entries(each).keys()].map((key) => [each, key] as const));
      data.entries(path);
      await inChunks(below, (chunk) => {
        for (const [each, key] of chunk) data.entries(each).delete(key);
      });
    },
  })),
  slowMutant("S7", "setMany resolves where the backend fails after the first chunk", ({ namespace }) => ({
    async setMany(entries, expiry) {
      await inChunks([...entries], (chunk) => sync(namespace.setMany(new Map(chunk), expiry)));
    },
  })),
  slowMutant("S7", "deleteMany resolves where the backend fails after the first chunk", ({ namespace }) => ({
    async deleteMany(keys) {
      let removed = 0;
      await inChunks([...keys], (chunk) => {
        removed += sync(namespace.deleteMany(new Set(chunk)));
      });
      return removed;
    },
  })),
  slowMutant("S7", "getMany gives misses where the backend fails after the first chunk", ({ namespace }) => ({
    async getMany(keys) {
      const found: (Uint8Array | undefined)[] = [];
      await inChunks(keys, (chunk) => {
        found.push(...sync(namespace.getMany(chunk)).map((value) => value?.slice()));
      });
      return keys.map((_, at) => found[at]);
    },
  })),

  driverMutant("S7", "getMany gives a miss for a damaged entry", ({ namespace, data, path }) => ({
    getMany: (keys) =>
      keys.map((key) => (data.find(path, key)?.damaged === true ? undefined : sync(namespace.get(key)))),
  })),
  driverMutant("S7", "getMany of which one is damaged gives misses only", ({ namespace, data, path }) => ({
    getMany: (keys) =>
      keys.some((key) => data.find(path, key)?.damaged === true)
        ? keys.map(() => undefined)
        : namespace.getMany(keys),
  })),
  damaged("S7", "get with renewFor of a damaged entry is a miss", "getAndRenew", () => undefined),
  driverMutant("S7", "increment counts a damaged entry from 0", ({ namespace, data, path }) => ({
    increment(key, by, ms) {
      if (data.find(path, key)?.damaged === true) sync(namespace.set(key, "0", "keep"));
      return namespace.increment(key, by, ms);
    },
  })),
  driverMutant("S7", "setIfAbsent writes over a damaged entry", ({ namespace, data, path }) => ({
    setIfAbsent(key, value, ms) {
      if (data.find(path, key)?.damaged === true) sync(namespace.delete(key));
      return namespace.setIfAbsent(key, value, ms);
    },
  })),
  driverMutant("S7", "compareAndSet writes over a damaged entry", ({ namespace, data, path }) => ({
    compareAndSet(key, expected, value, expiry) {
      if (data.find(path, key)?.damaged === true) sync(namespace.set(key, expected, "keep"));
      return namespace.compareAndSet(key, expected, value, expiry);
    },
  })),
  damaged("S7", "exists is false of a damaged entry", "exists", () => false),
  damaged("S7", "compareAndSet of a damaged entry finds another value", "compareAndSet", () => false),
  damaged("S7", "compareAndDelete of a damaged entry finds another value", "compareAndDelete", () => false),
  damaged("S7", "delete of a damaged entry rejects", "delete", corrupt),
  damaged("S7", "delete of a damaged entry says that there was none, and leaves it", "delete", () => false),
  damaged("S7", "set with keepExpiry of a damaged entry rejects", "set", (_, call, args) =>
    args[2] === "keep" ? corrupt() : call(...args),
  ),
  driverMutant("S7", "deleteMany of which one is damaged rejects", ({ namespace, data, path }) => ({
    deleteMany: (keys) =>
      [...keys].some((key) => data.find(path, key)?.damaged === true)
        ? corrupt()
        : namespace.deleteMany(keys),
  })),
  driverMutant("S7", "setMany leaves damaged entries as they are", ({ namespace, data, path }) => ({
    setMany: (entries, expiry) =>
      namespace.setMany(
        new Map([...entries].filter(([key]) => data.find(path, key)?.damaged !== true)),
        expiry,
      ),
  })),
  driverMutant("N2", "deleteAll leaves damaged entries", ({ data, path }) => ({
    deleteAll() {
      data.entries(path);
      for (const below of data.pathsFrom(path))
        for (const [key, entry] of data.entries(below))
          if (entry.damaged !== true) data.entries(below).delete(key);
    },
  })),
  driverMutant(
    "N6",
    "a prefix hides damage: entries with one end as if nothing were wrong",
    ({ namespace, data, path }) => ({
      async *keys(prefix) {
        for await (const page of namespace.keys(prefix))
          yield page.filter((key) => prefix === "" || data.find(path, key)?.damaged !== true);
      },
    }),
  ),
  storeMutant("N6", "entries gives a damaged entry an empty value", (store) => ({
    async *entries(options) {
      for await (const key of store.keys(options)) {
        const value = await store.get(key).catch((error: unknown) => {
          if (isStoreError(error, "KV_CORRUPT")) return new Uint8Array();
          throw error;
        });
        if (value !== undefined) yield [key, value];
      }
    },
  })),
  driverMutant("S7", "a damaged entry of getMany is KV_FAILED", ({ namespace }) => ({
    getMany(keys) {
      try {
        return namespace.getMany(keys);
      } catch (error) {
        throw isStoreError(error, "KV_CORRUPT") ? new StoreError("KV_FAILED", "it cannot be read.") : error;
      }
    },
  })),
];
