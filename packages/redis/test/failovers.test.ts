import { redisStore } from "@kv/redis";
import { testFailovers } from "../../resp/test/failovers.ts";
import { libraries } from "./libraries.ts";

testFailovers({ kind: "redis", open: redisStore }, libraries["ioredis 6"], "sentinel");
