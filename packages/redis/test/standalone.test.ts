import { redisStore } from "@kv/redis";
import { startStandalone } from "@kv/test-servers";
import { testStore } from "@kv/testkit/vitest";
import { afterAll } from "vitest";
import { urlHarness } from "../../resp/test/harness.ts";

const server = await startStandalone({ kind: "redis" });
afterAll(() => server.stop());

testStore(urlHarness("redisStore", server, redisStore, new URL("redis-process.ts", import.meta.url)));
