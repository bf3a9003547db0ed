import { redisStore } from "@kv/redis";
import { testLifecycle } from "@kv/resp-suites/lifecycle";
import { libraries } from "./libraries.ts";

await testLifecycle({ kind: "redis", open: redisStore }, libraries["ioredis 6"], import.meta.dirname);
