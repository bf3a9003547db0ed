export { valkeyClusterOptions, valkeyOptions } from "./store/client-options.ts";
export { type ValkeyStore, type ValkeyStoreOptions, valkeyStore } from "./store/valkey-store.ts";
