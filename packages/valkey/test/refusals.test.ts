import { valkeyStore } from "@kv/valkey";
import { testRefusals } from "../../resp/test/refusals.ts";

testRefusals({ kind: "valkey", open: valkeyStore });
