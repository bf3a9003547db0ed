import { testOutages } from "@kv/resp-suites/outages";
import { valkeyStore } from "@kv/valkey";

await testOutages({ kind: "valkey", open: valkeyStore });
