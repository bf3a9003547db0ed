import { redisStore } from "@kv/redis";
import { testLife } from "../../resp/test/life.ts";
import { libraries } from "./libraries.ts";

await testLife({ kind: "redis", open: redisStore }, libraries["ioredis 6"], import.meta.dirname);
