export { safeClientOptions as valkeyOptions, safeClusterOptions as valkeyClusterOptions } from "@kv/resp";
