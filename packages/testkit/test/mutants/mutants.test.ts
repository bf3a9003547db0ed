import { type RuleId, rules, runCases } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { atomicMutants } from "./atomic-mutants.ts";
import { lifeMutants } from "./life-mutants.ts";
import { listingMutants } from "./listing-mutants.ts";
import { namespaceMutants } from "./namespace-mutants.ts";
import { overloadMutants } from "./overload-mutants.ts";
import { storingMutants } from "./storing-mutants.ts";
import { takeMutants } from "./take-mutants.ts";
import { timeMutants } from "./time-mutants.ts";

const mutants = [
  ...storingMutants,
  ...overloadMutants,
  ...timeMutants,
  ...namespaceMutants,
  ...listingMutants,
  ...atomicMutants,
  ...takeMutants,
  ...lifeMutants,
];

describe("a store that breaks a rule is caught by a case of that rule", () => {
  test.each(mutants)("$rule $flaw", { timeout: 300_000 }, async ({ rule, caughtBy, harness }) => {
    const results = await runCases(harness, {
      limitMs: 5_000,
      runs: 20,
      filter: ({ testCase }) => testCase.rule === rule && testCase.title.startsWith(caughtBy),
    });
    const failed = results.filter((result) => result.outcome === "failed");
    expect(failed.length, `${results.length} cases of ${rule} let it pass`).toBeGreaterThan(0);
    for (const { error } of failed) expect(error.rule).toBe(rule);
  });

  test("there is one for every rule that a store can break on its own", () => {
    const broken = new Set(mutants.map(({ rule }) => rule));
    // R is about the registry, N7 about data of older versions, and L3 about a process of its own.
    const others = ["N7", "L3", "R1", "R2", "R3"];
    expect(Object.keys(rules).filter((rule) => !broken.has(rule as RuleId))).toEqual(others);
  });
});
