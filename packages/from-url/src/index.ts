export type {
  BackendSettings,
  Backends,
  FileSettings,
  MemorySettings,
  ServerSettings,
  StoreFactory,
} from "./backends/backends.ts";
export { directoryOf } from "./backends/file-url.ts";
export { type StoreFromUrlOptions, storeFromUrl } from "./store/store-from-url.ts";
