import { readFileSync } from "node:fs";
import { type RuleId, rules, runCases } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { atomicMutants } from "./atomic-mutants.ts";
import { bytesMutants } from "./bytes-mutants.ts";
import { callMutants } from "./call-mutants.ts";
import { closeMutants } from "./close-mutants.ts";
import { durationMutants } from "./duration-mutants.ts";
import { faultMutants } from "./fault-mutants.ts";
import { verdictOf } from "./killed.ts";
import { lifeMutants } from "./life-mutants.ts";
import { listingMutants } from "./listing-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { namespaceMutants } from "./namespace-mutants.ts";
import { overloadMutants } from "./overload-mutants.ts";
import { patternMutants } from "./pattern-mutants.ts";
import { stepMutants } from "./step-mutants.ts";
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
  ...durationMutants,
  ...bytesMutants,
  ...patternMutants,
  ...stepMutants,
  ...faultMutants,
  ...closeMutants,
  ...callMutants,
];

let tried = 0;
const killed = new Set<string>();

describe("a store that breaks a rule is caught by a case of that rule", () => {
  // How calls meet is chance: a mutant that two halves of a step make may need another try.
  test.each(mutants)("$rule $flaw", { timeout: 300_000, retry: 2 }, async (mutant) => {
    const { rule, caughtBy, harness } = mutant;
    tried += 1;
    if (caughtBy === undefined) {
      const verdict = await verdictOf(mutant);
      expect(verdict.killed, verdict.tried).toBe(true);
    } else {
      const results = await runCases(harness, {
        limitMs: 5_000,
        runs: 20,
        filter: ({ testCase }) => testCase.rule === rule && testCase.title.startsWith(caughtBy),
      });
      const failed = results.filter((result) => result.outcome === "failed");
      expect(failed.length, `${results.length} cases of ${rule} let it pass`).toBeGreaterThan(0);
      for (const { error } of failed) expect(error.rule).toBe(rule);
    }
    killed.add(nameOf(mutant));
  });

  test("there is one for every rule that a store can break on its own", () => {
    const broken = new Set(mutants.map(({ rule }) => rule));
    // R is about the registry, N7 about data of older versions, and L3 about a process of its own.
    const others = ["N7", "L3", "R1", "R2", "R3"];
    expect(Object.keys(rules).filter((rule) => !broken.has(rule as RuleId))).toEqual(others);
  });

  test("the README tells the score", ({ skip }) => {
    if (tried < mutants.length) skip("only some of the mutants were tried");
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8").replaceAll(/\s+/g, " ");
    const told =
      /hold it against (\d+) broken stores, each of which breaks one promise; (\d+) are caught, each by the rule it breaks\./.exec(
        readme,
      );
    // Two cases may each have to catch the same store.
    const stores = new Set(mutants.map(nameOf));
    expect(told?.slice(1).map(Number)).toEqual([stores.size, killed.size]);
  });
});

function nameOf({ rule, flaw }: Mutant): string {
  return `${rule} ${flaw}`;
}
