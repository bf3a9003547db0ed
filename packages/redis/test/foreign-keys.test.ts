import { redisStore } from "@kv/redis";
import { testForeignKeys } from "../../resp/test/foreign-keys.ts";
import { libraries } from "./libraries.ts";

testForeignKeys({ kind: "redis", open: redisStore }, libraries["ioredis 6"]);
