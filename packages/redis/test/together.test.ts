import { redisStore } from "@kv/redis";
import { testTogether } from "@kv/resp-suites/together";
import { libraries } from "./libraries.ts";

await testTogether({ kind: "redis", open: redisStore }, libraries["ioredis 6"]);
