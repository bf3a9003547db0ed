import { testCallPath } from "@kv/resp-suites/call-path";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

await testCallPath({ kind: "valkey", open: valkeyStore }, libraries);
