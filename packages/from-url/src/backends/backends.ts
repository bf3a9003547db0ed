import type { Duration, FullStore } from "@kv/core";
import { directoryOf } from "./file-url.ts";
import { optionsInQuery } from "./query.ts";

/** The settings that all backends share. */
export interface CommonSettings {
  readonly namespace: string | undefined;
  readonly timeout: Duration | undefined;
  readonly sweepEvery: Duration | undefined;
}

/** The options that `memoryStore` is called with. */
export interface MemorySettings {
  /** From the query of the URL. */
  readonly maxEntries?: number;
  /** From the query of the URL. */
  readonly maxBytes?: number;
  /** From the options of `storeFromUrl`. */
  readonly sweepEvery?: Duration | undefined;
  /** From the options of `storeFromUrl`. */
  readonly timeout?: Duration | undefined;
}

/** The options that `fileStore` is called with. */
export interface FileSettings {
  /** From the path of the URL. */
  readonly directory: string;
  /** From the query of the URL. */
  readonly durability?: "none" | "file" | "full";
  /** From the query of the URL. */
  readonly disk?: "local" | "network";
  /** From the options of `storeFromUrl`. */
  readonly sweepEvery?: Duration | undefined;
  /** From the options of `storeFromUrl`. */
  readonly timeout?: Duration | undefined;
}

/** The options that `redisStore` and `valkeyStore` are called with. */
export interface ServerSettings {
  /** The URL as it was given. */
  readonly url: string;
  /** From the options of `storeFromUrl`. */
  readonly namespace?: string | undefined;
  /** From the options of `storeFromUrl`. */
  readonly timeout?: Duration | undefined;
}

/** Makes a store. It is called once, and must neither connect nor touch the disk. */
export type StoreFactory<Settings> = (settings: Settings) => FullStore;

/** The options that the factory of each backend is called with. */
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

/** The name of a backend. */
export type BackendName = keyof BackendSettings;

/** A backend that a URL can name. */
export interface Backend<Settings> {
  readonly schemes: readonly string[];
  /** The package that exports the factory. */
  readonly package: string;
  /** The name of the factory there. */
  readonly factory: string;
  /** Opens the store of a URL of one of the schemes. */
  open(factory: StoreFactory<Settings>, url: string, settings: CommonSettings): FullStore;
}

/** The backends, with all that differs between them. */
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
      return rootedAt(namespace, factory({ ...options, ...settings }));
    },
  },
  file: {
    schemes: ["file:"],
    package: "@kv/file",
    factory: "fileStore",
    open(factory, url, { namespace, ...settings }) {
      const directory = directoryOf(url);
      const options = optionsInQuery<FileSettings>(url, { durability: "text", disk: "text" });
      return rootedAt(namespace, factory({ ...options, ...settings, directory }));
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

/** Opens a store on a server. A server removes expired entries by itself, so `sweepEvery` is left out. */
function openServer(
  factory: StoreFactory<ServerSettings>,
  url: string,
  { namespace, timeout }: CommonSettings,
): FullStore {
  return factory({ url, namespace, timeout });
}

/** Returns a namespace of a store instead of its root. Closing it closes the store. */
function rootedAt(namespace: string | undefined, root: FullStore): FullStore {
  if (namespace === undefined) return root;
  const close = (): Promise<void> => root.close();
  return Object.assign(root.withNamespace(namespace), { close, [Symbol.asyncDispose]: close });
}
