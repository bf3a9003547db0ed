import { redisStore } from "@kv/redis";
import { testRefusals } from "../../resp/test/refusals.ts";

testRefusals({ kind: "redis", open: redisStore });
