import { redisStore } from "@kv/redis";
import { testRejectedWrites } from "../../resp/test/cluster-writes.ts";
import { libraries } from "./libraries.ts";

testRejectedWrites({ kind: "redis", open: redisStore }, libraries["ioredis 6"]);
