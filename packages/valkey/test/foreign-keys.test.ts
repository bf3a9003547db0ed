import { valkeyStore } from "@kv/valkey";
import { testForeignKeys } from "../../resp/test/foreign-keys.ts";
import { libraries } from "./libraries.ts";

testForeignKeys({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
