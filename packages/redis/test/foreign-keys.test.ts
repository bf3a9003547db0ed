import { redisStore } from "@kv/redis";
import { testForeignKeys } from "@kv/resp-suites/foreign-keys";
import { libraries } from "./libraries.ts";

testForeignKeys({ kind: "redis", open: redisStore }, libraries["ioredis 6"]);
