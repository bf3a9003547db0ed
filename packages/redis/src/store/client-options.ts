export { safeClientOptions as redisOptions, safeClusterOptions as redisClusterOptions } from "@kv/resp";
