export type { KeyvBacking } from "./adapter/keyv-adapter.ts";
export { type KeyvStoreOptions, keyvStore } from "./adapter/keyv-store.ts";
export type {
  KeyvStore,
  KeyvStoreCapabilities,
  KeyvStoreEntry,
  KeyvStoreEvents,
  KeyvStoreMethod,
  KeyvStoreMethodInfo,
} from "./adapter/keyv-types.ts";
