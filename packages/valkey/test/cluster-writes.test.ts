import { valkeyStore } from "@kv/valkey";
import { testRejectedWrites } from "../../resp/test/cluster-writes.ts";
import { libraries } from "./libraries.ts";

testRejectedWrites({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
