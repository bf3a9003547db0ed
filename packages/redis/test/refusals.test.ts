import { redisStore } from "@kv/redis";
import { testRefusals } from "@kv/resp-suites/refusals";

testRefusals({ kind: "redis", open: redisStore });
