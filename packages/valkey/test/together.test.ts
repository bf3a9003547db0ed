import { valkeyStore } from "@kv/valkey";
import { testTogether } from "../../resp/test/together.ts";
import { libraries } from "./libraries.ts";

await testTogether({ kind: "valkey", open: valkeyStore }, libraries.iovalkey);
