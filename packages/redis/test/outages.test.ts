import { redisStore } from "@kv/redis";
import { testOutages } from "@kv/resp-suites/outages";

await testOutages({ kind: "redis", open: redisStore });
