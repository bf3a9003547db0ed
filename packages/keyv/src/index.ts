export type { KeyvBacking } from "./keyv-adapter.ts";
export { type KeyvStoreOptions, keyvStore } from "./keyv-store.ts";
export type {
  KeyvStore,
  KeyvStoreCapabilities,
  KeyvStoreEntry,
  KeyvStoreEvents,
  KeyvStoreMethod,
  KeyvStoreMethodInfo,
} from "./keyv-types.ts";
