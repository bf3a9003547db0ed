import { redisStore } from "@kv/redis";
import { testClusterClients } from "../../resp/test/cluster-clients.ts";
import { libraries } from "./libraries.ts";

testClusterClients({ kind: "redis", open: redisStore }, libraries["ioredis 5"]);
