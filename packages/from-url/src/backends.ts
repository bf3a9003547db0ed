import type { Duration, FullStore } from "@kv/core";
import { directoryOf } from "./file-url.ts";
import { optionsInQuery } from "./query.ts";

/** What a store is opened with, wherever it is kept. */
export interface CommonSettings {
  readonly namespace: string | undefined;
  readonly timeout: Duration | undefined;
  readonly sweepEvery: Duration | undefined;
}

/** What `memoryStore` is called with. */
export interface MemorySettings {
  /** From the query of the URL. */
  readonly maxEntries?: number;
  /** From the query of the URL. */
  readonly maxBytes?: number;
  /** As `storeFromUrl` was told. */
  readonly sweepEvery?: Duration | undefined;
  /** As `storeFromUrl` was told. */
  readonly timeout?: Duration | undefined;
}

/** What `fileStore` is called with. */
export interface FileSettings {
  /** From the path of the URL. */
  readonly directory: string;
  /** From the query of the URL. */
  readonly durability?: "none" | "file" | "full";
  /** From the query of the URL. */
  readonly disk?: "local" | "network";
  /** As `storeFromUrl` was told. */
  readonly sweepEvery?: Duration | undefined;
  /** As `storeFromUrl` was told. */
  readonly timeout?: Duration | undefined;
}

/** What `redisStore` and `valkeyStore` are called with. */
export interface ServerSettings {
  /** The URL as it was given. */
  readonly url: string;
  /** As `storeFromUrl` was told. */
  readonly namespace?: string | undefined;
  /** As `storeFromUrl` was told. */
  readonly timeout?: Duration | undefined;
}

/** Makes a store; it is called once, and must touch nothing. */
export type StoreFactory<Settings> = (settings: Settings) => FullStore;

/** What the factory of each backend is called with. */
export interface BackendSettings {
  /** For `memory:`. */
  readonly memory: MemorySettings;
  /** For `file:`. */
  readonly file: FileSettings;
  /** For `redis:` and `rediss:`. */
  readonly redis: ServerSettings;
  /** For `valkey:` and `valkeys:`. */
  readonly valkey: ServerSettings;
}

/** A factory for each backend that a URL may name: `{ redis: redisStore, memory: memoryStore }`. */
export type Backends = {
  readonly [Name in keyof BackendSettings]?: StoreFactory<BackendSettings[Name]> | undefined;
};

export type BackendName = keyof BackendSettings;

export interface Backend<Settings> {
  readonly schemes: readonly string[];
  /** The package that has it, and what it is called there. */
  readonly package: string;
  readonly factory: string;
  /** Makes the store of a URL, of one of the schemes. */
  open(factory: StoreFactory<Settings>, url: string, settings: CommonSettings): FullStore;
}

/** All that tells one backend from another. */
export const backendTable: { readonly [Name in BackendName]: Backend<BackendSettings[Name]> } = {
  memory: {
    schemes: ["memory:"],
    package: "@kv/memory",
    factory: "memoryStore",
    open(factory, url, { namespace, ...settings }) {
      if (!/^memory:(?:\?|$)/i.test(url)) {
        throw new TypeError(
          'The URL of a store in memory must be "memory:", or like "memory:?maxEntries=10000".',
        );
      }
      const options = optionsInQuery<MemorySettings>(url, { maxEntries: "number", maxBytes: "number" });
      return beginningAt(namespace, factory({ ...options, ...settings }));
    },
  },
  file: {
    schemes: ["file:"],
    package: "@kv/file",
    factory: "fileStore",
    open(factory, url, { namespace, ...settings }) {
      const directory = directoryOf(url);
      const options = optionsInQuery<FileSettings>(url, { durability: "text", disk: "text" });
      return beginningAt(namespace, factory({ ...options, ...settings, directory }));
    },
  },
  redis: {
    schemes: ["redis:", "rediss:"],
    package: "@kv/redis",
    factory: "redisStore",
    open: openServer,
  },
  valkey: {
    schemes: ["valkey:", "valkeys:"],
    package: "@kv/valkey",
    factory: "valkeyStore",
    open: openServer,
  },
};

/** A server removes what has expired by itself, so `sweepEvery` asks nothing of it. */
function openServer(
  factory: StoreFactory<ServerSettings>,
  url: string,
  { namespace, timeout }: CommonSettings,
): FullStore {
  return factory({ url, namespace, timeout });
}

/** A namespace of a store in the place of its root: to close it closes the store. */
function beginningAt(namespace: string | undefined, root: FullStore): FullStore {
  if (namespace === undefined) return root;
  const close = (): Promise<void> => root.close();
  return Object.assign(root.withNamespace(namespace), { close, [Symbol.asyncDispose]: close });
}
