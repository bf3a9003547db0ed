import { testFailovers } from "@kv/resp-suites/failovers";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

testFailovers({ kind: "valkey", open: valkeyStore }, libraries.iovalkey, "cluster");
