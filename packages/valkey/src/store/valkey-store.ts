import type { FullStore } from "@kv/core";
import {
  backendStore,
  type ClientOptions,
  type IoredisClient,
  ioredisBackend,
  type UrlOptions,
} from "@kv/resp";

export type ValkeyStore = FullStore;

export type ValkeyStoreOptions = UrlOptions | ClientOptions<IoredisClient>;

/**
 * Makes a store in Valkey, with every capability: `valkeyStore({ url: "valkey://localhost:6379" })`, or over a client of
 * iovalkey that exists already, `valkeyStore({ client })`. Nothing is opened before the first call.
 *
 * @throws TypeError for an invalid url, and for a client with a `keyPrefix`
 *
 * @example
 * ```ts
 * import { valkeyStore } from "@kv/valkey";
 *
 * const store = valkeyStore({ url: "valkey://localhost:6379", timeout: "2s" });
 * await store.set("greeting", "hello", { expiresIn: "10m" });
 * await store.close();
 * ```
 */
export function valkeyStore(options: ValkeyStoreOptions): ValkeyStore {
  return backendStore(valkey, options);
}

const valkey = ioredisBackend("valkey", "iovalkey", () => import("iovalkey"));
