import { testTogether } from "@kv/resp-suites/together";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

await testTogether({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
