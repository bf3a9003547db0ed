import { findStore, type StoreSource } from "@kv/core";
import { checkOptions } from "@kv/core/driver";
import { KeyvAdapter, type KeyvBacking } from "./keyv-adapter.ts";
import type { KeyvStore } from "./keyv-types.ts";

/** The options of `keyvStore`. */
export interface KeyvStoreOptions {
  /** The name to ask a registry for. Default: `keyv`. */
  readonly name?: string | undefined;

  /** Closes the store on `disconnect`. Default: `false`, for its owner closes it. */
  readonly closeStore?: boolean | undefined;

  /**
   * The version of the Keyv that calls the adapter. Only code that calls its methods directly, without a Keyv in
   * between, has to set it: with 5 a number given to `set` is a ttl, with 6 a time. Default: detected.
   */
  readonly keyv?: 5 | 6 | undefined;
}

/**
 * Makes a storage adapter for Keyv 5 and Keyv 6 over a store that is found by its name or given. The namespace of the
 * Keyv is a namespace of the store; without one, its keys are the store's own.
 *
 * Every method rejects as the store does. `get` of Keyv 5 swallows errors: there the adapter also emits them as
 * `error`, which Keyv passes on.
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
