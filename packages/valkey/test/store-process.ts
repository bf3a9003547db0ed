import { valkeyStore } from "@kv/valkey";
import { serveStoreOf } from "../../resp/test/store-process.ts";
import { libraries } from "./libraries.ts";

serveStoreOf(valkeyStore, libraries);
