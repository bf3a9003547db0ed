import type { ConnectionOptions } from "node:tls";
import { guarded } from "@kv/core/driver";
import type { Backend } from "../store/backend.ts";
import type { ServerAddress } from "../store/server-url.ts";
import type { IoredisClient } from "./client.ts";
import { type SafeClientOptions, safeClientOptions } from "./client-options.ts";
import { IoredisCluster } from "./cluster.ts";
import { type ClientLibrary, loadClient } from "./load-client.ts";
import { IoredisTransport } from "./transport.ts";

/** The options with which the store makes a client. */
export interface IoredisOptions extends Omit<SafeClientOptions, "retryStrategy">, ServerAddress {
  /** It never connects again by itself. */
  readonly retryStrategy: () => null;
  /** The TLS options, where the URL asks for TLS. */
  readonly tls?: ConnectionOptions;
}

/**
 * Makes the backend over ioredis, or a library of the same shape, which is loaded by the first call that needs it.
 *
 * @param name The name of the backend in errors: `redis`.
 * @param library The package that people install: `ioredis`.
 *
 * @example
 * ```ts
 * import { backendStore, ioredisBackend } from "@kv/resp";
 *
 * const redis = ioredisBackend("redis", "ioredis", () => import("ioredis"));
 * const store = backendStore(redis, { url: "redis://localhost:6379" });
 * await store.close();
 * ```
 */
export function ioredisBackend(
  name: string,
  library: string,
  load: () => Promise<ClientLibrary<IoredisOptions>>,
): Backend<IoredisClient> {
  return {
    name,
    async open({ address, tls, timeout }) {
      const client = await loadClient(library, load, {
        ...safeClientOptions({ timeout }),
        ...address,
        // A client that reconnects by itself keeps the process alive (L3): the store connects when there is a need.
        retryStrategy: () => null,
        ...(tls !== undefined && { tls }),
      });
      client.on("error", guarded(ignoreError)); // without a listener it would be printed
      return new IoredisTransport(client);
    },
    over(client) {
      const { keyPrefix } = client.options as { readonly keyPrefix?: string | Uint8Array | null };
      if (keyPrefix !== undefined && keyPrefix !== null && keyPrefix.length > 0) {
        throw new TypeError(
          "The client has a keyPrefix, which listings would not see and removals would double. Make one without, and use namespace.",
        );
      }
      return client.isCluster === true ? new IoredisCluster(client) : new IoredisTransport(client);
    },
  };
}

function ignoreError(): void {}
