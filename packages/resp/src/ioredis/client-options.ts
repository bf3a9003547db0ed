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

/** Options for `new Cluster`, of which a store needs only the nodes to begin with. */
export interface SafeClusterOptions {
  readonly lazyConnect: true;
  readonly redisOptions: {
    readonly connectTimeout: number;
    readonly disableClientInfo: true;
  };
}

/**
 * Returns options for a client that you make yourself, under which every call settles and no write is sent twice:
 *
 * - `lazyConnect`: nothing happens before the first call (L4).
 * - `maxRetriesPerRequest: 0`: commands without a reply fail immediately when a connection is lost; by default a
 *   client would send them again, and an increment would count twice.
 * - `enableOfflineQueue: false`: no command is kept for later, when its call has been given up. The store
 *   waits for the connection itself.
 * - `sentinelCommandTimeout`: a silent Sentinel is given up, and the next one asked.
 * - `retryStrategy`: tries again forever, with at most a second in between.
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
 * Returns options for a client of a cluster. A store keeps its promises with any: it makes its own connections to the nodes, with
 * the client's options, and does not use the client itself.
 *
 * - `lazyConnect`: the client itself never connects, unless you use it for something else.
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
