import { type CaseRun, caseName, caseRuns, runCase } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { oddBackends } from "./odd-backends.ts";

const soak = process.env["KV_SOAK"] === "1";

// A store may be slow, coarse, or otherwise: it passes where it keeps its promises.

describe.concurrent("a store that is right, in an odd way, passes", () => {
  test.each(oddBackends.map((backend, at) => ({ ...backend, at })))(
    "$oddity",
    { timeout: 0 },
    async ({ harness, at }) => {
      const runs = soak ? caseRuns(harness) : oneInFive(caseRuns(harness), at);
      const results = await Promise.all(runs.map((run) => runCase(harness, run, { runs: 3, seed: 1 })));
      const failures = results.flatMap((result) =>
        result.outcome === "failed" ? [`${caseName(result.testCase)}: ${result.error.message}`] : [],
      );
      expect(failures.join("\n\n")).toBe("");
      expect(results.filter(({ outcome }) => outcome === "passed").length).toBeGreaterThan(soak ? 60 : 10);
    },
  );
});

/** At the root, of the cases of each rule a fifth, and another fifth on the next backend. The soak tries all, everywhere. */
function oneInFive(runs: readonly CaseRun[], backend: number): readonly CaseRun[] {
  const atRoot = runs.filter(({ place }) => place === "at the root");
  return [...new Set(atRoot.map(({ testCase }) => testCase.rule))].flatMap((rule) => {
    const ofRule = atRoot.filter(({ testCase }) => testCase.rule === rule);
    const step = Math.min(5, ofRule.length);
    return ofRule.filter((_, at) => at % step === backend % step);
  });
}
