import { redisStore } from "@kv/redis";
import { testContract } from "@kv/resp-suites/contract";
import { libraries } from "./libraries.ts";

await testContract({
  kind: "redis",
  open: redisStore,
  libraries,
  module: new URL("store-process.ts", import.meta.url),
  sample: [{ topology: "url" }],
});
