export {
  type Backend,
  backendStore,
  type ClientOptions,
  type OpenOptions,
  type UrlOptions,
} from "./backend.ts";
export { type IoredisOptions, ioredisBackend } from "./ioredis/backend.ts";
export type { ClientCommand, IoredisClient } from "./ioredis/client.ts";
export {
  type SafeClientOptions,
  type SafeClusterOptions,
  safeClientOptions,
  safeClusterOptions,
} from "./ioredis/client-options.ts";
export type { ClientLibrary } from "./ioredis/load-client.ts";
export type { RespStoreOptions } from "./resp-store.ts";
export type { ServerAddress } from "./server-url.ts";
export {
  type Argument,
  type ClusterTransport,
  type Link,
  type NodeAddress,
  NotSentError,
  type Transport,
  type TransportEvents,
  type TransportState,
} from "./transport.ts";
