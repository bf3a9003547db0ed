import { redisStore } from "@kv/redis";
import { testConnections } from "../../resp/test/connections.ts";
import { libraries } from "./libraries.ts";

await testConnections({ kind: "redis", open: redisStore }, libraries);
