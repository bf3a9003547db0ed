import { testClusterClients } from "@kv/resp-suites/cluster-clients";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

testClusterClients({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
