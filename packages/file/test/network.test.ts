import { testStore } from "@kv/testkit/vitest";
import { fileHarness, runs, soak } from "./harness.ts";

// Every call is made by the thread pool here, so calls on different keys come in between each other.
testStore(fileHarness("fileStore, disk network", { disk: "network", durability: "none" }), runs);

if (soak) testStore(fileHarness("fileStore, disk network, durability full", { disk: "network" }), runs);
