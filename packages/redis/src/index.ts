export { redisClusterOptions, redisOptions } from "./store/client-options.ts";
export { type RedisStore, type RedisStoreOptions, redisStore } from "./store/redis-store.ts";
