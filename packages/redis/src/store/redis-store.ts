import type { FullStore } from "@kv/core";
import {
  backendStore,
  type ClientOptions,
  type IoredisClient,
  ioredisBackend,
  type UrlOptions,
} from "@kv/resp";

export type RedisStore = FullStore;

export type RedisStoreOptions = UrlOptions | ClientOptions<IoredisClient>;

/**
 * Makes a store in Redis, with every capability: `redisStore({ url: "redis://localhost:6379" })`, or over a client of
 * ioredis that exists already, `redisStore({ client })`. Nothing is opened before the first call.
 *
 * @throws TypeError for an invalid url, and for a client with a `keyPrefix`
 *
 * @example
 * ```ts
 * import { redisStore } from "@kv/redis";
 *
 * const store = redisStore({ url: "redis://localhost:6379", timeout: "2s" });
 * await store.set("greeting", "hello", { expiresIn: "10m" });
 * await store.close();
 * ```
 */
export function redisStore(options: RedisStoreOptions): RedisStore {
  return backendStore(redis, options);
}

const redis = ioredisBackend("redis", "ioredis", () => import("ioredis"));
