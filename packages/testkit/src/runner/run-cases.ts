import { contractCases } from "../cases/contract-cases.ts";
import { type CaseResult, type CaseRun, noMeasures } from "../contract/case-result.ts";
import type { Place, RunOptions } from "../contract/contract-case.ts";
import type { Harness } from "../contract/harness.ts";
import { KitRun } from "./kit-run.ts";
import { undeclared } from "./needs.ts";

/** The options of `runCases`. */
export interface RunCasesOptions extends RunOptions {
  /** Selects the runs to make. Default: all of them. */
  readonly filter?: ((run: CaseRun) => boolean) | undefined;
  /** Is called with each result as soon as it is there. */
  readonly onResult?: ((result: CaseResult) => void) | undefined;
}

/**
 * Runs the contract without a test runner, and resolves with the outcome of each case at each place. Cases run one
 * after another, and then those that wait for time, all concurrently. Where calls hang in three cases, the rest is not tried
 * and counts as unproven.
 *
 * While it runs, a promise that rejects unhandled, or an error that nobody catches, fails a case and does not end the
 * process.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { runCases } from "@kv/testkit";
 *
 * const results = await runCases({
 *   name: "memory",
 *   capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
 *   open: () => ({ store: memoryStore() }),
 * });
 * console.log(results.filter(({ outcome }) => outcome === "failed"));
 * ```
 */
export async function runCases(harness: Harness, options: RunCasesOptions = {}): Promise<CaseResult[]> {
  const kitRun = new KitRun(harness, options);
  const runs = caseRuns(harness).filter(options.filter ?? (() => true));
  const results: CaseResult[] = [];

  async function tryCase(run: CaseRun): Promise<void> {
    const result = await kitRun.tryCase(run);
    results.push(result);
    options.onResult?.(result);
  }

  await kitRun.failures.during(async () => {
    for (const run of runs.filter(({ testCase }) => testCase.waits !== true)) await tryCase(run);
    await Promise.all(runs.filter(({ testCase }) => testCase.waits === true).map(tryCase));
  });
  return results;
}

/**
 * Gives every case at every place that it has in such a store.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { caseRuns } from "@kv/testkit";
 *
 * const runs = caseRuns({ name: "memory", capabilities: ["batch"], open: () => ({ store: memoryStore() }) });
 * console.log(runs.length);
 * ```
 */
export function caseRuns(harness: Harness): CaseRun[] {
  return placesOf(harness).flatMap((place) =>
    contractCases
      .filter(({ rootOnly }) => place === "at the root" || rootOnly !== true)
      .map((testCase) => ({ testCase, place })),
  );
}

/** Returns the runs that can be tried with such a harness, and those that its declarations leave unproven. */
export function declaredRuns(harness: Harness): { runs: CaseRun[]; unproven: CaseResult[] } {
  const runs: CaseRun[] = [];
  const unproven: CaseResult[] = [];
  for (const run of caseRuns(harness)) {
    const because = undeclared(harness, run.testCase);
    if (because === undefined) runs.push(run);
    else unproven.push({ ...run, outcome: "unproven", because, measures: noMeasures });
  }
  return { runs, unproven };
}

/** Returns the places that the cases run at: namespaces too, where the store has them. */
export function placesOf(harness: Harness): readonly Place[] {
  return harness.capabilities.includes("namespaces")
    ? ["at the root", "in a namespace", "in a nested namespace"]
    : ["at the root"];
}
