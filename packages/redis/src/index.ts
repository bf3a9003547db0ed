export { redisClusterOptions, redisOptions } from "./client-options.ts";
export { type RedisStore, type RedisStoreOptions, redisStore } from "./redis-store.ts";
