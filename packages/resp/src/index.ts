export { type IoredisOptions, ioredisBackend } from "./ioredis/backend.ts";
export type { ClientCommand, IoredisClient } from "./ioredis/client.ts";
export {
  type SafeClientOptions,
  type SafeClusterOptions,
  safeClientOptions,
  safeClusterOptions,
} from "./ioredis/client-options.ts";
export type { ClientLibrary } from "./ioredis/load-client.ts";
export {
  type Backend,
  backendStore,
  type ClientOptions,
  type OpenOptions,
  type UrlOptions,
} from "./store/backend.ts";
export type { RespStoreOptions } from "./store/resp-store.ts";
export type { ServerAddress } from "./store/server-url.ts";
export {
  type Argument,
  type ClusterTransport,
  type Link,
  type NodeAddress,
  NotSentError,
  type Transport,
  type TransportEvents,
  type TransportState,
} from "./transport/transport.ts";
