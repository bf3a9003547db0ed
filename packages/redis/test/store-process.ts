import { redisStore } from "@kv/redis";
import { serveStoreOf } from "../../resp/test/store-process.ts";
import { libraries } from "./libraries.ts";

serveStoreOf(redisStore, libraries);
