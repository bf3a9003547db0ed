import { type Duration } from "@kv/core";
import { durationMs } from "@kv/core/driver";

/** Options of a client under which every call settles and no write is sent twice; for `new Redis` of either client. */
export interface SafeClientOptions {
  readonly lazyConnect: true;
  readonly connectTimeout: number;
  readonly maxRetriesPerRequest: 0;
  readonly enableOfflineQueue: false;
  readonly enableAutoPipelining: false;
  readonly disableClientInfo: true;
  readonly sentinelCommandTimeout: number;
  readonly retryStrategy: (attempt: number) => number;
}

/** Options for `new Cluster`, of which a store needs no more than where to begin. */
export interface SafeClusterOptions {
  readonly lazyConnect: true;
  readonly redisOptions: {
    readonly connectTimeout: number;
    readonly disableClientInfo: true;
  };
}

/**
 * Gives options for a client of your own, under which every call settles and no write is sent twice:
 *
 * - `lazyConnect`: nothing happens before the first call (L4).
 * - `maxRetriesPerRequest: 0`: what was sent and not answered when a connection is lost fails at once; a client
 *   would send it again, and an increment would count twice.
 * - `enableOfflineQueue: false`: nothing is kept for later, when the call that wanted it has been given up. The store
 *   waits for the connection itself.
 * - `sentinelCommandTimeout`: a Sentinel that is silent is given up, and the next one asked.
 * - `retryStrategy`: tries again for ever, every second at most.
 *
 * @example
 * ```ts
 * import { redisOptions, redisStore } from "@kv/redis";
 * import { Redis } from "ioredis";
 *
 * const client = new Redis("redis://localhost:6379", redisOptions());
 * const store = redisStore({ client, closeClient: true });
 * await store.close();
 * ```
 */
export function safeClientOptions({
  timeout = "5s",
}: {
  readonly timeout?: Duration | undefined;
} = {}): SafeClientOptions {
  const connectTimeout = connectTimeoutMs(timeout);
  return {
    lazyConnect: true,
    connectTimeout,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    disableClientInfo: true,
    sentinelCommandTimeout: Math.min(connectTimeout, 2_000),
    retryStrategy: backOffMs,
  };
}

/**
 * Gives options for a client of a cluster. A store keeps its promises with any: it makes connections of its own to the nodes, after
 * the client's options, and the client itself is not used.
 *
 * - `lazyConnect`: so the client itself never connects, unless you use it for something else.
 * - `connectTimeout`, of the connections to the nodes.
 *
 * @example
 * ```ts
 * import { redisClusterOptions, redisStore } from "@kv/redis";
 * import { Cluster } from "ioredis";
 *
 * const client = new Cluster(["redis://localhost:7000"], redisClusterOptions());
 * const store = redisStore({ client, closeClient: true });
 * await store.close();
 * ```
 */
export function safeClusterOptions({
  timeout = "5s",
}: {
  readonly timeout?: Duration | undefined;
} = {}): SafeClusterOptions {
  return {
    lazyConnect: true,
    redisOptions: { connectTimeout: connectTimeoutMs(timeout), disableClientInfo: true },
  };
}

function connectTimeoutMs(timeout: Duration): number {
  return Math.min(durationMs(timeout, "timeout"), 10_000);
}

function backOffMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 5), 1_000);
}
