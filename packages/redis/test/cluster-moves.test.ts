import { redisStore } from "@kv/redis";
import { testSlotMoves } from "@kv/resp-suites/cluster-moves";
import { soak } from "@kv/test-support";
import { libraries } from "./libraries.ts";

const redis = { kind: "redis", open: redisStore } as const;
await testSlotMoves(redis, libraries["ioredis 6"]);
if (soak) await testSlotMoves(redis, libraries["ioredis 6"], { newest: true });
