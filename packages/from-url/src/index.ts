export type {
  BackendSettings,
  Backends,
  FileSettings,
  MemorySettings,
  ServerSettings,
  StoreFactory,
} from "./backends.ts";
export { directoryOf } from "./file-url.ts";
export { type StoreFromUrlOptions, storeFromUrl } from "./store-from-url.ts";
