import { valkeyStore } from "@kv/valkey";
import { testSlotMoves } from "../../resp/test/cluster-moves.ts";
import { soak } from "../../resp/test/contract.ts";
import { libraries } from "./libraries.ts";

const valkey = { kind: "valkey", open: valkeyStore } as const;
await testSlotMoves(valkey, libraries.iovalkey);
if (soak) await testSlotMoves(valkey, libraries.iovalkey, { newest: true });
