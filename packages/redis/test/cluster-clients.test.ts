import { redisStore } from "@kv/redis";
import { testClusterClients } from "@kv/resp-suites/cluster-clients";
import { libraries } from "./libraries.ts";

testClusterClients({ kind: "redis", open: redisStore }, libraries["ioredis 5"]);
