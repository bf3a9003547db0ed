import { valkeyStore } from "@kv/valkey";
import { testClusterClients } from "../../resp/test/cluster-clients.ts";
import { libraries } from "./libraries.ts";

testClusterClients({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
