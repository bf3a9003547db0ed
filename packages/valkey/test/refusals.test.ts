import { testRefusals } from "@kv/resp-suites/refusals";
import { valkeyStore } from "@kv/valkey";

testRefusals({ kind: "valkey", open: valkeyStore });
