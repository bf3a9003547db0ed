import { redisStore } from "@kv/redis";
import { testCallPath } from "@kv/resp-suites/call-path";
import { libraries } from "./libraries.ts";

await testCallPath({ kind: "redis", open: redisStore }, libraries);
