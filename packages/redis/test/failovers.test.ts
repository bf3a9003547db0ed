import { redisStore } from "@kv/redis";
import { testFailovers } from "@kv/resp-suites/failovers";
import { libraries } from "./libraries.ts";

testFailovers({ kind: "redis", open: redisStore }, libraries["ioredis 6"], "sentinel");
