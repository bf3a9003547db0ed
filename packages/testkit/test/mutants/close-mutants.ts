import { type FullStore, isStoreError, StoreError } from "@kv/core";
import { createStore } from "@kv/core/driver";
import type { ReferenceData } from "../reference-driver.ts";
import {
  changedStore,
  type Mutant,
  openedMutant,
  openingMutant,
  type StoreChange,
  storeMutant,
} from "./mutant.ts";
import { slowDriver, turn } from "./slow-driver.ts";

type Method = Exclude<keyof FullStore, "namespace" | "withNamespace" | symbol>;
type Call = (...args: readonly unknown[]) => unknown;

/** Two stores on one slow driver, of which `close` closes and waits for the first only. */
interface Pair {
  readonly tracked: FullStore;
  readonly untracked: FullStore;
}

/** A store on a slow driver, whose `close` does not wait for some methods. */
function doesNotWait(flaw: string, methods: readonly Method[], depth: number = 0): Mutant {
  return openedMutant("L2", flaw, (data, rootPath) => {
    const driver = slowDriver(data, rootPath);
    return withoutWaiting(
      { tracked: createStore(driver), untracked: createStore(driver) },
      methods,
      depth,
      [],
    );
  });
}

/** @param above tells whether one of the stores above was closed */
function withoutWaiting(
  { tracked, untracked }: Pair,
  methods: readonly Method[],
  depth: number,
  above: readonly (() => boolean)[],
): FullStore {
  let closed = false;
  const isClosed = [...above, () => closed];
  const openStore = (): FullStore => (isClosed.some((each) => each()) ? tracked : untracked);
  const calls = methods.map((method) => {
    const call: Call = (...args) => (openStore()[method] as Call)(...args);
    return [
      method,
      isListing(method) ? untilClosed(method, call, () => openStore() === tracked) : call,
    ] as const;
  });
  const all: FullStore = {
    ...tracked,
    ...(depth <= 0 && (Object.fromEntries(calls) as Partial<FullStore>)),
    withNamespace: (name) =>
      withoutWaiting(
        { tracked: tracked.withNamespace(name), untracked: untracked.withNamespace(name) },
        methods,
        depth - 1,
        isClosed,
      ),
    close() {
      closed = true;
      return tracked.close();
    },
  };
  return { ...all, [Symbol.asyncDispose]: () => all.close() };
}

function isListing(method: Method): boolean {
  return method === "keys" || method === "entries" || method === "namespaces";
}

/** The same listing, which goes no further once the store is closed. */
function untilClosed(method: string, list: Call, isClosed: () => boolean): Call {
  return async function* (...args) {
    for await (const item of list(...args) as AsyncIterable<unknown>) {
      yield item;
      if (isClosed()) throw new StoreError("KV_CLOSED", `${method} on reference: the store was closed.`);
    }
  };
}

/** A store on a slow driver, changed like the reference store. */
function slowStore(rule: "L1" | "L2", flaw: string, change: StoreChange): Mutant {
  return openedMutant(rule, flaw, (data, rootPath) =>
    changedStore(createStore(slowDriver(data, rootPath)), change),
  );
}

/** A method that answers when the store is closed already. */
function answersClosed(flaw: string, method: Method, answer: Call): Mutant {
  return storeMutant("L2", flaw, (store) => {
    const call = store[method] as Call;
    return {
      [method]: async (...args: readonly unknown[]) => {
        try {
          return await call(...args);
        } catch (error) {
          if (!isStoreError(error, "KV_CLOSED")) throw error;
          return answer(...args);
        }
      },
    };
  });
}

/** The same for a batch of nothing, which asks nobody. */
function answersNothing(method: "getMany" | "setMany" | "deleteMany", answer: () => unknown): Mutant {
  return storeMutant("L2", `after close ${method} of nothing answers`, (store) => {
    const call = store[method] as Call;
    return {
      [method]: (items: unknown, ...rest: readonly unknown[]) =>
        Array.isArray(items) && items.length === 0 && rest.length === 0
          ? Promise.resolve(answer())
          : call(items, ...rest),
    };
  });
}

const closedData = new WeakSet<ReferenceData>();

export const closeMutants: readonly Mutant[] = [
  doesNotWait("close does not wait for a set", ["set"]),
  doesNotWait("close does not wait for a get", ["get"]),
  doesNotWait("close does not wait for delete and touch", ["delete", "touch"]),
  doesNotWait("close does not wait for exists and expiresIn", ["exists", "expiresIn"]),
  doesNotWait("close does not wait for deleteAll", ["deleteAll"]),
  doesNotWait("close does not wait for getMany", ["getMany"]),
  doesNotWait("close does not wait for setMany and deleteMany", ["setMany", "deleteMany"]),
  doesNotWait("close does not wait for increment", ["increment"]),
  doesNotWait("close does not wait for setIfAbsent", ["setIfAbsent"]),
  doesNotWait("close does not wait for compareAndSet and compareAndDelete", [
    "compareAndSet",
    "compareAndDelete",
  ]),
  doesNotWait("close does not wait for take", ["take"]),
  doesNotWait("close does not wait for a page of keys", ["keys"]),
  doesNotWait("close does not wait for a page of entries", ["entries"]),
  doesNotWait("close does not wait for a page of namespaces", ["namespaces"]),
  doesNotWait("close does not wait for deleteExpired", ["deleteExpired"]),
  doesNotWait("close does not wait for a set in a namespace below", ["set"], 1),
  doesNotWait("close does not wait for an increment two namespaces below", ["increment"], 2),
  slowStore("L2", "a second close does not wait for the calls that the first one waits for", (store) => {
    let closed = false;
    return {
      close() {
        if (closed) return Promise.resolve();
        closed = true;
        return store.close();
      },
    };
  }),
  slowStore("L2", "close rejects the gets in flight", (store) => {
    let closed = false;
    return {
      async get(key, options) {
        const wasClosed = closed;
        const found = await store.get(key, options);
        if (closed && !wasClosed)
          throw new StoreError("KV_CLOSED", "get on reference: it was closed meanwhile.");
        return found;
      },
      close() {
        closed = true;
        return store.close();
      },
    };
  }),
  storeMutant("L2", "close waits for a listing that is paused", (store) => {
    const listings = new Set<Promise<void>>();
    return {
      async *keys(options) {
        let end = (): void => undefined;
        const listing = new Promise<void>((resolve) => {
          end = resolve;
        });
        listings.add(listing);
        try {
          yield* store.keys(options);
        } finally {
          end();
        }
      },
      async close() {
        await Promise.all(listings);
        await store.close();
      },
    };
  }),
  storeMutant("L2", "calls made while close is in flight are carried out", (store) => ({
    async close() {
      for (let turns = 0; turns < 20; turns += 1) await turn();
      await store.close();
    },
  })),
  openingMutant("L2", "[Symbol.asyncDispose] returns before it has closed", (opened) => {
    const { store } = opened;
    const disposed: typeof store = {
      ...store,
      async [Symbol.asyncDispose]() {
        void turn().then(() => store.close());
      },
    };
    return { ...opened, store: disposed };
  }),
  answersNothing("getMany", () => []),
  answersNothing("setMany", () => undefined),
  answersNothing("deleteMany", () => 0),
  answersClosed("after close deleteExpired removes nothing", "deleteExpired", () => 0),
  answersClosed("after close touch says that there is no entry", "touch", () => false),
  answersClosed("after close expiresIn says that there is no entry", "expiresIn", () => undefined),
  answersClosed("after close deleteAll passes for done", "deleteAll", () => undefined),
  answersClosed("after close compareAndDelete finds another value", "compareAndDelete", () => false),
  answersClosed("after close setIfAbsent is refused by KV_UNAVAILABLE", "setIfAbsent", () => {
    throw new StoreError("KV_UNAVAILABLE", "setIfAbsent on reference: there is no connection.");
  }),
  answersClosed("after close increment is a TypeError", "increment", () => {
    throw new TypeError("Cannot read properties of undefined.");
  }),
  storeMutant("L2", "a listing of keys that had begun goes on after close", (store) => ({
    async *keys(options) {
      const keys: string[] = [];
      for await (const key of store.keys(options)) keys.push(key);
      yield* keys;
    },
  })),
  storeMutant("L2", "after close namespaces are none", (store) => ({
    async *namespaces() {
      try {
        yield* store.namespaces();
      } catch (error) {
        if (!isStoreError(error, "KV_CLOSED")) throw error;
      }
    },
  })),
  openedMutant("L2", "after close a namespace can be made, and works", (data, rootPath) => {
    const driver = slowDriver(data, rootPath);
    const spare = createStore(driver);
    let closed = false;
    return changedStore(createStore(driver), (store) =>
      (store.namespace ?? []).length === (rootPath ?? []).length
        ? {
            withNamespace: (name) => (closed ? spare : store).withNamespace(name),
            close() {
              closed = true;
              return store.close();
            },
          }
        : {},
    );
  }),

  openedMutant("L1", "a namespace two below goes on after its root was closed", (data, rootPath) => {
    const driver = slowDriver(data, rootPath);
    const deep = (closing: FullStore, lasting: FullStore, depth: number): FullStore =>
      changedStore(closing, () => ({
        ...(depth >= 2 && { get: lasting.get, exists: lasting.exists, set: lasting.set }),
        withNamespace: (name) => deep(closing.withNamespace(name), lasting.withNamespace(name), depth + 1),
      }));
    return deep(createStore(driver), createStore(driver), 0);
  }),
  openedMutant("L1", "closing one handle closes every handle on its data", (data, rootPath, timeoutMs) => {
    const refused = (): void => {
      if (closedData.has(data))
        throw new StoreError("KV_CLOSED", "the connection that they share was closed.");
    };
    const driver = slowDriver(data, rootPath, (namespace) => ({
      get: (key) => (refused(), namespace.get(key)),
      set: (key, value, expiry) => (refused(), namespace.set(key, value, expiry)),
      exists: (key) => (refused(), namespace.exists(key)),
    }));
    return createStore({ ...driver, close: () => void closedData.add(data) }, { timeout: `${timeoutMs}ms` });
  }),
  storeMutant("L1", "closing a namespace closes every store of that name", (store) => {
    const made = new Map<string, FullStore>();
    return {
      withNamespace(name) {
        const child = made.get(name) ?? store.withNamespace(name);
        made.set(name, child);
        return child;
      },
    };
  }),
  storeMutant("L1", "closing a namespace closes its siblings", (store) => {
    const made: FullStore[] = [];
    return {
      withNamespace(name) {
        const child = store.withNamespace(name);
        made.push(child);
        return changedStore(child, () => ({
          close: async () => void (await Promise.all(made.map((sibling) => sibling.close()))),
        }));
      },
    };
  }),

  storeMutant("L4", "withNamespace makes a place for the namespace", (store) => ({
    withNamespace(name) {
      const child = store.withNamespace(name);
      void child.exists("").catch(() => undefined);
      return child;
    },
  })),
  openingMutant("L4", "a store looks for its backend a turn after it was made", (opened) => {
    void turn().then(() => opened.store.exists("ping").catch(() => undefined));
    return opened;
  }),
];
