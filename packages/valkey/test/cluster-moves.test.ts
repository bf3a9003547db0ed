import { testSlotMoves } from "@kv/resp-suites/cluster-moves";
import { soak } from "@kv/test-support";
import { valkeyStore } from "@kv/valkey";
import { libraries } from "./libraries.ts";

const valkey = { kind: "valkey", open: valkeyStore } as const;
await testSlotMoves(valkey, libraries.iovalkey);
if (soak) await testSlotMoves(valkey, libraries.iovalkey, { newest: true });
