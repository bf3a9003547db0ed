import { redisStore } from "@kv/redis";
import { testSlotMoves } from "../../resp/test/cluster-moves.ts";
import { soak } from "../../resp/test/contract.ts";
import { libraries } from "./libraries.ts";

const redis = { kind: "redis", open: redisStore } as const;
await testSlotMoves(redis, libraries["ioredis 6"]);
if (soak) await testSlotMoves(redis, libraries["ioredis 6"], { newest: true });
