import { redisStore } from "@kv/redis";
import { testConnections } from "@kv/resp-suites/connections";
import { libraries } from "./libraries.ts";

await testConnections({ kind: "redis", open: redisStore }, libraries);
