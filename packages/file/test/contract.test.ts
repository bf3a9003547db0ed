import { soak } from "@kv/test-support";
import { testStore } from "@kv/testkit/vitest";
import { fileHarness, runs } from "./harness.ts";

testStore(fileHarness("fileStore", {}), runs);

if (soak) {
  testStore(fileHarness("fileStore, durability file", { durability: "file" }), runs);
  testStore(fileHarness("fileStore, durability none", { durability: "none" }), runs);
}
