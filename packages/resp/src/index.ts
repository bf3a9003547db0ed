export {
  type Backend,
  backendStore,
  type ClientOptions,
  type OwnClientOptions,
  type UrlOptions,
} from "./backend.ts";
export {
  type SafeClientOptions,
  type SafeClusterOptions,
  safeClientOptions,
  safeClusterOptions,
} from "./client-options.ts";
export { type ClientLibrary, loadClient } from "./load-client.ts";
export type { ClientCommand, RespClient } from "./resp-client.ts";
export type { RespStoreOptions } from "./resp-store.ts";
export type { ServerAddress } from "./server-url.ts";
