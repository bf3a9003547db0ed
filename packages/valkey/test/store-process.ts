import { serveStoreOf } from "@kv/resp-suites/store-process";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

serveStoreOf(valkeyStore, libraries);
