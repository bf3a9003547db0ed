import { redisStore } from "@kv/redis";
import { testTogether } from "../../resp/test/together.ts";
import { libraries } from "./libraries.ts";

await testTogether({ kind: "redis", open: redisStore }, libraries["ioredis 6"]);
