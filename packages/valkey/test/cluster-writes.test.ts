import { testRejectedWrites } from "@kv/resp-suites/cluster-writes";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

testRejectedWrites({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
