import { valkeyStore } from "@kv/valkey";
import { testLife } from "../../resp/test/life.ts";
import { libraries } from "./libraries.ts";

await testLife({ kind: "valkey", open: valkeyStore }, libraries.iovalkey, import.meta.dirname);
