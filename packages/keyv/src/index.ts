export { type KeyvBacking, type KeyvStore, type KeyvStoreOptions, keyvStore } from "./keyv-store.ts";
