import { valkeyStore } from "@kv/valkey";
import { testContract } from "../../resp/test/contract.ts";
import { libraries } from "./libraries.ts";

await testContract({
  kind: "valkey",
  open: valkeyStore,
  libraries,
  module: new URL("store-process.ts", import.meta.url),
  sample: [{ topology: "url" }, { topology: "sentinel", library: "iovalkey" }],
});
