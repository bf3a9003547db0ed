import { testForeignKeys } from "@kv/resp-suites/foreign-keys";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

testForeignKeys({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
