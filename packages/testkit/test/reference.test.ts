import { testStore } from "@kv/testkit/vitest";
import { referenceDriverHarness, referenceStoreHarness } from "./reference-harness.ts";

testStore(referenceDriverHarness);
testStore(referenceStoreHarness);
