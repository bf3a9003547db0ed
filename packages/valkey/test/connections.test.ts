import { valkeyStore } from "@kv/valkey";
import { testConnections } from "../../resp/test/connections.ts";
import { libraries } from "./libraries.ts";

await testConnections({ kind: "valkey", open: valkeyStore }, libraries);
