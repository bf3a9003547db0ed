import { testLifecycle } from "@kv/resp-suites/lifecycle";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

await testLifecycle({ kind: "valkey", open: valkeyStore }, libraries.iovalkey, import.meta.dirname);
