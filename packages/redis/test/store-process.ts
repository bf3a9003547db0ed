import { redisStore } from "@kv/redis";
import { serveStoreOf } from "@kv/resp-suites/store-process";
import { libraries } from "./libraries.ts";

serveStoreOf(redisStore, libraries);
