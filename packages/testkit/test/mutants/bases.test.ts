import { runCases } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { handoverMutant, slowMutant } from "./mutant.ts";

describe("the stores of which mutants are made keep the contract until something in them is changed", () => {
  test.each([
    slowMutant("S1", "the slow driver", () => ({})),
    handoverMutant("S1", "the driver that is handed the caller's arrays", () => ({})),
  ])("$flaw", async ({ harness }) => {
    // At one place: the mutants are tried at all.
    const results = await runCases(harness, { runs: 3, filter: ({ place }) => place === "at the root" });
    expect(results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(results.filter(({ outcome }) => outcome === "passed").length).toBeGreaterThan(300);
  });
});
