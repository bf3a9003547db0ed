export { type MemoryStore, type MemoryStoreOptions, memoryStore } from "./store/memory-store.ts";
