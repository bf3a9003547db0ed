import type { Bytes, FullStore } from "@kv/core";
import type { Need } from "../../contract/contract-case.ts";
import type { Harness } from "../../contract/harness.ts";
import { collect, collectEntries } from "../../support/collect.ts";

/** A call on keys of its own, of which it can be told afterwards what it did. */
export interface Call {
  /** Lays down what the call finds. Default: an entry of 0 that lives for an hour. */
  readonly before?: (store: FullStore, key: string) => Promise<unknown>;
  readonly call: (store: FullStore, key: string) => Promise<unknown>;
  /** The answer of a call that was carried out once on what `before` laid down. Default: none. */
  readonly answer?: unknown;
  /** Counts the keys that the call has changed; where it counts, how often. */
  readonly done: (store: FullStore, key: string) => Promise<number>;
  /** The number of keys that it is to change. Default: 1. */
  readonly keys?: number;
  /** A batch is not atomic (S5): some of its keys may be done where it rejects. */
  readonly inParts?: boolean;
  /** It counts how often it is made. */
  readonly counts?: boolean;
}

/** Calls by method, and the capability that they need. */
export interface CallGroup {
  /** In the middle or at the end of a title. */
  readonly by: string;
  readonly needs: readonly Need[];
  readonly calls: Readonly<Record<string, Call>>;
}

/** The number of keys of a batch that no store sends in one piece. */
const large = 1_500;

/** Every method that takes a key, and deleteAll. */
export const callGroups: readonly CallGroup[] = [
  {
    by: "",
    needs: [],
    calls: {
      set: { call: (store, key) => store.set(key, "written"), done: written },
      "set with keepExpiry": {
        call: (store, key) => store.set(key, "written", { keepExpiry: true }),
        done: written,
      },
      delete: { call: (store, key) => store.delete(key), answer: true, done: gone },
      touch: { call: (store, key) => store.touch(key, "2h"), answer: true, done: renewed },
      "get with renewFor": {
        call: async (store, key) => textOf(await store.get(key, { renewFor: "2h" })),
        answer: "0",
        done: renewed,
      },
      get: reading(async (store, key) => textOf(await store.get(key)), "0"),
      exists: reading((store, key) => store.exists(key), true),
      expiresIn: reading(async (store, key) => {
        const left = await store.expiresIn(key);
        return left !== undefined && left > 0 && left <= 3_600;
      }, true),
    },
  },
  {
    by: " by deleteAll of a namespace",
    needs: ["namespaces"],
    calls: {
      deleteAll: {
        before: (store, key) => addEntries(store.withNamespace(key), "entry"),
        call: async (store, key) => store.withNamespace(key).deleteAll(),
        done: (store, key) => sum(keysOf("entry").map((each) => gone(store.withNamespace(key), each))),
        keys: 2,
      },
    },
  },
  {
    by: " by batches",
    needs: ["batch"],
    calls: {
      setMany: {
        call: (store, key) => store.setMany(keysOf(key).map((each) => [each, "written"])),
        done: (store, key) => sum(keysOf(key).map((each) => written(store, each))),
        keys: 2,
        inParts: true,
      },
      deleteMany: {
        before: addEntries,
        call: (store, key) => store.deleteMany(keysOf(key)),
        answer: 2,
        done: (store, key) => sum(keysOf(key).map((each) => gone(store, each))),
        keys: 2,
        inParts: true,
      },
      getMany: {
        ...reading(async (store, key) => (await store.getMany(keysOf(key))).map(textOf).join(), "0,0"),
        before: addEntries,
      },
    },
  },
  {
    by: " by atomic steps",
    needs: ["atomic"],
    calls: {
      increment: {
        // The time left tells what has been 0 for an hour from what is new.
        call: async (store, key) => {
          const { value, expiresIn } = await store.increment(key);
          return { value, keepsExpiry: expiresIn <= 3_600 };
        },
        answer: { value: 1, keepsExpiry: true },
        done: async (store, key) => Number(textOf(await store.get(key))),
        counts: true,
      },
      setIfAbsent: {
        before: async () => {},
        call: (store, key) => store.setIfAbsent(key, "written"),
        answer: true,
        done: written,
      },
      "setIfAbsent of what is there": reading((store, key) => store.setIfAbsent(key, "written"), false),
      compareAndSet: {
        call: (store, key) => store.compareAndSet(key, "0", "written"),
        answer: true,
        done: written,
      },
      compareAndDelete: { call: (store, key) => store.compareAndDelete(key, "0"), answer: true, done: gone },
      take: { call: async (store, key) => textOf(await store.take(key)), answer: "0", done: gone },
    },
  },
];

/** deleteExpired, of what has not expired. */
export const expiryCallGroup: CallGroup = {
  by: " by deleteExpired",
  needs: ["expiry"],
  calls: { deleteExpired: reading((store) => store.deleteExpired(), 0) },
};

/** Every other method. */
export const wideCallGroups: readonly CallGroup[] = [
  {
    by: " by listings",
    needs: ["listing"],
    calls: {
      keys: {
        ...reading(async (store, key) => own(await collect(store.keys()), key).length, 2),
        before: addEntries,
      },
      "keys with a prefix": {
        ...reading(async (store, key) => (await collect(store.keys({ prefix: key }))).length, 2),
        before: addEntries,
      },
      entries: {
        ...reading(async (store, key) => {
          const all = await collectEntries(store.entries());
          return own([...all.keys()], key)
            .map((each) => textOf(all.get(each)))
            .join();
        }, "0,0"),
        before: addEntries,
      },
      "entries with a prefix": {
        ...reading(async (store, key) => {
          const all = await collectEntries(store.entries({ prefix: key }));
          return [...all.values()].map(textOf).join();
        }, "0,0"),
        before: addEntries,
      },
    },
  },
  {
    by: " by a listing of namespaces",
    needs: ["listing", "namespaces"],
    calls: {
      namespaces: {
        before: (store, key) => addEntry(store.withNamespace(key), "entry"),
        call: async (store, key) => own(await collect(store.namespaces()), key).length,
        answer: 1,
        done: (store, key) => changed(store.withNamespace(key), "entry"),
        keys: 0,
      },
    },
  },
  expiryCallGroup,
];

/** Batches that no store sends in one piece. */
export const largeCallGroups: readonly CallGroup[] = [
  {
    by: " by large batches",
    needs: ["batch"],
    calls: {
      "setMany of many": {
        before: async () => {},
        call: (store, key) => store.setMany(manyOf(key).map((each) => [each, "written"])),
        done: (store, key) => countMany(store, key, "written"),
        keys: large,
        inParts: true,
      },
      "deleteMany of many": {
        before: addMany,
        call: (store, key) => store.deleteMany(manyOf(key)),
        answer: large,
        done: (store, key) => countMany(store, key, undefined),
        keys: large,
        inParts: true,
      },
      "getMany of many": {
        before: addMany,
        call: (store, key) => countMany(store, key, "0"),
        answer: large,
        done: async (store, key) => large - (await countMany(store, key, "0")),
        keys: 0,
      },
    },
  },
];

/** deleteAll of a whole place, which holds so many entries. */
export function deleteAllOf(count: number): Call {
  const keys = Array.from({ length: count }, (_, at) => `entry ${at}`);
  return {
    before: (store) => Promise.all(keys.map((key) => addEntry(store, key))),
    call: (store) => store.deleteAll(),
    done: (store) => sum(keys.map((key) => gone(store, key))),
    keys: count,
  };
}

/** The calls of these groups that a store can be asked for, by method. */
export function ableCalls<C>(
  harness: Harness,
  groups: readonly { readonly needs: readonly Need[]; readonly calls: Readonly<Record<string, C>> }[],
): [method: string, call: C][] {
  const capabilities: readonly Need[] = harness.capabilities;
  return groups
    .filter(({ needs }) => needs.every((need) => capabilities.includes(need)))
    .flatMap(({ calls }) => Object.entries(calls));
}

/** A call that changes nothing. */
function reading(call: Call["call"], answer: unknown): Call {
  return { call, answer, done: changed, keys: 0 };
}

/** Adds an entry of 0 that lives for an hour. */
export async function addEntry(store: FullStore, key: string): Promise<void> {
  await store.set(key, "0", { expiresIn: "1h" });
}

async function addEntries(store: FullStore, key: string): Promise<void> {
  await Promise.all(keysOf(key).map((each) => addEntry(store, each)));
}

async function addMany(store: FullStore, key: string): Promise<void> {
  await store.setMany(manyOf(key).map((each) => [each, "0"]));
}

async function countMany(store: FullStore, key: string, value: string | undefined): Promise<number> {
  return (await store.getMany(manyOf(key))).filter((found) => textOf(found) === value).length;
}

async function written(store: FullStore, key: string): Promise<number> {
  return textOf(await store.get(key)) === "written" ? 1 : 0;
}

async function gone(store: FullStore, key: string): Promise<number> {
  return (await store.exists(key)) ? 0 : 1;
}

async function renewed(store: FullStore, key: string): Promise<number> {
  return ((await store.expiresIn(key)) ?? 0) > 3_600 ? 1 : 0;
}

async function changed(store: FullStore, key: string): Promise<number> {
  return textOf(await store.get(key)) === "0" ? 0 : 1;
}

function textOf(bytes: Bytes | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

async function sum(numbers: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(numbers)).reduce((one, other) => one + other, 0);
}

function own(items: readonly string[], key: string): string[] {
  return items.filter((item) => item.startsWith(key));
}

function keysOf(key: string): string[] {
  return [key, `${key}, too`];
}

function manyOf(key: string): string[] {
  return Array.from({ length: large }, (_, at) => `${key}, ${at}`);
}
