import { redisStore } from "@kv/redis";
import { testOutages } from "../../resp/test/outages.ts";

await testOutages({ kind: "redis", open: redisStore });
