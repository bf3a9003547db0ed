import { testContract } from "@kv/resp-suites/contract";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

await testContract({
  kind: "valkey",
  open: valkeyStore,
  libraries,
  module: new URL("store-process.ts", import.meta.url),
  sample: [{ topology: "cluster", library: "iovalkey" }],
});
