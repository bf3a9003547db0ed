import { valkeyStore } from "@kv/valkey";
import { testOutages } from "../../resp/test/outages.ts";

await testOutages({ kind: "valkey", open: valkeyStore });
