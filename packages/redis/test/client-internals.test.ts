import { createRequire } from "node:module";
import { redisStore } from "@kv/redis";
import { testClientInternals } from "@kv/resp-suites/client-internals";
import { libraries } from "./libraries.ts";

const versionOf = (module: string): string =>
  createRequire(import.meta.url)(`${module}/package.json`).version;

await testClientInternals({ kind: "redis", open: redisStore }, [
  { name: "ioredis", version: versionOf("ioredis"), library: libraries["ioredis 6"] },
  { name: "ioredis", version: versionOf("ioredis5"), library: libraries["ioredis 5"] },
]);
