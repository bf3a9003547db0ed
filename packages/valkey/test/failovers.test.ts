import { valkeyStore } from "@kv/valkey";
import { testFailovers } from "../../resp/test/failovers.ts";
import { libraries } from "./libraries.ts";

testFailovers({ kind: "valkey", open: valkeyStore }, libraries.iovalkey, "cluster");
