import {
  type BatchStore,
  findStore,
  type ListableStore,
  type NamespacedStore,
  type StoreSource,
  text,
  typed,
} from "@kv/core";
import { checkOptions } from "@kv/core/driver";
import type { KeyvStoreAdapter } from "keyv";
import { deleteOwnKeys, entriesOf } from "./own-entries.ts";
import { setEntries, setEntry } from "./set-entries.ts";

export interface KeyvStoreOptions {
  /** The name to ask a registry for: `keyv` unless told. */
  readonly name?: string | undefined;

  /** Whether `disconnect` closes the store: `false` unless told, as a store is its owner's to close. */
  readonly closeStore?: boolean | undefined;
}

/** What a Keyv needs of a store. */
export type KeyvBacking = NamespacedStore & BatchStore & ListableStore;

/** What Keyv takes as `store`, with all that it may have. Make one for each Keyv, as Keyv gives it a namespace. */
export type KeyvStore = Required<Omit<KeyvStoreAdapter, "namespace">> & { namespace: string | undefined };

/**
 * Makes a storage adapter for Keyv over a store that is found by its name or given. The namespace of the Keyv is a namespace
 * of the store; without one, its keys are the store's own.
 *
 * Every method rejects as the store does. Where Keyv keeps an error from its caller and tells nobody of it, which is in
 * `get`, the adapter emits it as `error`, which Keyv passes on.
 *
 * @throws TypeError for a store without namespaces, batches or listing
 *
 * @example
 * ```ts
 * import { keyvStore } from "@kv/keyv";
 * import { memoryStore } from "@kv/memory";
 * import { Keyv } from "keyv";
 *
 * const keyv = new Keyv({ store: keyvStore(memoryStore()), namespace: "pages" });
 * await keyv.set("/", "<h1>Hello</h1>", 60_000);
 * ```
 */
export function keyvStore(source: StoreSource<KeyvBacking>, options: KeyvStoreOptions = {}): KeyvStore {
  checkOptions(options, ["name", "closeStore"]);
  const { name = "keyv", closeStore = false } = options;
  if (typeof closeStore !== "boolean") throw new TypeError("closeStore must be true or false.");
  const store = findStore(source, {
    name,
    capabilities: ["namespaces", "batch", "listing"],
    purpose: "A Keyv",
  });
  const root = typed<string, KeyvBacking>(store, text);
  const listeners: ((error: unknown) => void)[] = [];
  let namespace: string | undefined;
  let at = root;

  const adapter: KeyvStore = {
    // Keyv iterates over an adapter only if this is one of seven names; without it, its constructor fails.
    opts: { dialect: "redis" },

    get namespace() {
      return namespace;
    },

    set namespace(next) {
      at = isNone(next) ? root : root.withNamespace(next);
      namespace = next;
    },

    async get<T>(key: string) {
      try {
        return (await at.get(key)) as T | undefined;
      } catch (error) {
        for (const listener of listeners) listener(error);
        throw error;
      }
    },

    getMany: <T>(keys: string[]) => at.getMany(keys) as Promise<(T | undefined)[]>,

    has: (key) => at.exists(key),

    hasMany: (keys) => Promise.all(keys.map((key) => at.exists(key))),

    set: (key, value: unknown, ttl) => setEntry(at, key, value, ttl),

    async setMany(entries) {
      await setEntries(at, entries);
      // Keyv answers with this, and promises its caller a boolean for each, though not the adapter's type.
      return entries.map(() => true) as unknown as undefined;
    },

    delete: (key) => at.delete(key),

    deleteMany: async (keys) => (await at.deleteMany(keys)) > 0,

    // What lies in namespaces below is that of other Keyvs.
    clear: () => (isNone(namespace) ? deleteOwnKeys(at) : at.deleteAll()),

    async *iterator<T>(inNamespace: string | undefined = namespace) {
      const from = isNone(inNamespace) ? root : root.withNamespace(inNamespace);
      yield* entriesOf(from) as AsyncGenerator<[string, Awaited<T>]>;
    },

    async disconnect() {
      if (closeStore) await store.close();
    },

    on(event, listener) {
      if (event === "error") listeners.push(listener);
      return adapter;
    },
  };
  return adapter;
}

function isNone(namespace: string | undefined): namespace is undefined | "" {
  return namespace === undefined || namespace === "";
}
