import { testConnections } from "@kv/resp-suites/connections";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

await testConnections({ kind: "valkey", open: valkeyStore }, libraries);
