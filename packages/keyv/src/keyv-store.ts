import { findStore, type StoreSource } from "@kv/core";
import { checkOptions } from "@kv/core/driver";
import { KeyvAdapter, type KeyvBacking } from "./keyv-adapter.ts";
import type { KeyvStore } from "./keyv-types.ts";

export interface KeyvStoreOptions {
  /** The name to ask a registry for: `keyv` unless told. */
  readonly name?: string | undefined;

  /** Whether `disconnect` closes the store: `false` unless told, as a store is its owner's to close. */
  readonly closeStore?: boolean | undefined;

  /**
   * Which Keyv calls: found out unless told. Only what calls the methods of the adapter itself, with no Keyv between,
   * has to tell: with 5 a number given to `set` is a ttl, with 6 a time.
   */
  readonly keyv?: 5 | 6 | undefined;
}

/**
 * Makes a storage adapter for Keyv 5 and Keyv 6 over a store that is found by its name or given. The namespace of the Keyv is
 * a namespace of the store; without one, its keys are the store's own.
 *
 * Every method rejects as the store does. Where Keyv keeps an error from its caller and tells nobody of it, which is in
 * `get` of Keyv 5, the adapter emits it as `error`, which Keyv passes on.
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
  checkOptions(options, ["name", "closeStore", "keyv"]);
  const { name = "keyv", closeStore = false, keyv } = options;
  if (typeof closeStore !== "boolean") throw new TypeError("closeStore must be true or false.");
  if (keyv !== undefined && keyv !== 5 && keyv !== 6) throw new TypeError("keyv must be 5 or 6.");
  const store = findStore(source, {
    name,
    capabilities: ["namespaces", "batch", "listing"],
    purpose: "A Keyv",
  });
  return new KeyvAdapter(store, closeStore, keyv);
}
