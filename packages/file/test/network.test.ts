import { soak } from "@kv/test-support";
import { runCases } from "@kv/testkit";
import { testStore } from "@kv/testkit/vitest";
import { expect, test } from "vitest";
import { fileHarness, runs } from "./harness.ts";

// Every call is made by the thread pool here, so calls on different keys come in between each other.
const network = fileHarness("fileStore, disk network", { disk: "network", durability: "none" });

if (soak) {
  testStore(network, runs);
  testStore(fileHarness("fileStore, disk network, durability full", { disk: "network" }), runs);
} else {
  // Every rule in one place: to the disk a namespace is a directory like the root.
  test("keeps the contract at the root", { timeout: 900_000 }, async () => {
    const results = await runCases(network, { ...runs, filter: ({ place }) => place === "at the root" });
    expect(results.length).toBeGreaterThan(200);
    const failed = results.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(({ testCase, ...result }) => ({ title: testCase.title, ...result }))).toEqual([]);
  });
}
