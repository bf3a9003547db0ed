import { type CaseRun, caseName, caseRuns, runCase } from "@kv/testkit";
import type { Mutant } from "./mutant.ts";

/** What became of a mutant. */
export interface Verdict {
  /** Some case failed, and named the rule that the mutant breaks. */
  readonly killed: boolean;
  /** The cases that were tried, and the rules that were named by those that failed. */
  readonly tried: string;
}

/** Tries the cases, those of the mutant's rule first, until one of them names the rule that it breaks. */
export async function verdictOf({ rule, harness }: Mutant): Promise<Verdict> {
  const runs = caseRuns(harness);
  const isOwn = ({ testCase }: CaseRun): boolean => testCase.rule === rule;
  const named = new Set<string>();
  for (const run of [...runs.filter(isOwn), ...runs.filter((each) => !isOwn(each))]) {
    const result = await runCase(harness, run, { limitMs: 20_000, runs: 20, seed: 18 });
    if (result.outcome !== "failed") continue;
    if (result.error.rule === rule) return { killed: true, tried: result.error.message };
    named.add(`${result.error.rule} by ${caseName(run.testCase)}`);
  }
  return { killed: false, tried: `${runs.length} cases, named: ${[...named].join("; ") || "no rule"}` };
}
