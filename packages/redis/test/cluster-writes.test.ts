import { redisStore } from "@kv/redis";
import { testRejectedWrites } from "@kv/resp-suites/cluster-writes";
import { libraries } from "./libraries.ts";

testRejectedWrites({ kind: "redis", open: redisStore }, libraries["ioredis 6"]);
