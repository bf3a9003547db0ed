export { valkeyClusterOptions, valkeyOptions } from "./client-options.ts";
export { type ValkeyStore, type ValkeyStoreOptions, valkeyStore } from "./valkey-store.ts";
