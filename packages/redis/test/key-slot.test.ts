import { testKeySlots } from "../../resp/test/key-slots.ts";

await testKeySlots({ kind: "redis" });
