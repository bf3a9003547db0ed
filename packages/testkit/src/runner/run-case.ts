import type { CaseMeasures, CaseResult, CaseRun, Outcome } from "../contract/case-result.ts";
import { ContractViolation } from "../contract/case-result.ts";
import type { RunOptions, Tally } from "../contract/contract-case.ts";
import type { Harness, Opened } from "../contract/harness.ts";
import { Unproven } from "../contract/unproven.ts";
import { CallRecorder } from "./call-recorder.ts";
import { createCaseContext } from "./case-context.ts";
import { notGiven } from "./needs.ts";
import { whileProgressing } from "./progress.ts";

const usualLimitMs = 60_000;

/**
 * Tries one case at one place, on a store of its own. Never rejects: a harness that fails is a failed case.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { caseRuns, type Harness, runCase } from "@kv/testkit";
 *
 * const harness: Harness = { name: "memory", capabilities: [], open: () => ({ store: memoryStore() }) };
 * for (const run of caseRuns(harness)) console.log(await runCase(harness, run, {}));
 * ```
 */
export async function runCase(
  harness: Harness,
  caseRun: CaseRun,
  options: RunOptions = {},
): Promise<CaseResult> {
  const recorder = new CallRecorder();
  const counts: Record<Tally, number> = { faults: 0, histories: 0, undecidedHistories: 0, randomRuns: 0 };
  const allOpened: Opened[] = [];

  async function open(): Promise<Opened> {
    const opened = await harness.open();
    allOpened.push(opened);
    return opened;
  }

  async function tryCase(): Promise<Outcome> {
    const opened = await open();
    const because = notGiven(harness, opened, caseRun.testCase);
    if (because !== undefined) return { outcome: "unproven", because };
    const { place } = caseRun;
    const tally = (what: Tally, count = 1): void => {
      counts[what] += count;
    };
    try {
      await caseRun.testCase.run(
        createCaseContext({ harness, place, options, opened, recorder, tally, open }),
      );
      return { outcome: "passed" };
    } catch (error) {
      if (error instanceof Unproven) return { outcome: "unproven", because: error.message };
      throw error;
    }
  }

  async function disposeAll(): Promise<void> {
    for (const opened of allOpened.toReversed()) await opened.dispose?.();
  }

  const limited = async <T>(promise: Promise<T>): Promise<T> =>
    whileProgressing(promise, options.limitMs ?? usualLimitMs, () => recorder.progress);
  let outcome: Outcome;
  try {
    outcome = await limited(tryCase());
    await limited(disposeAll());
  } catch (error) {
    outcome = { outcome: "failed", error: new ContractViolation(caseRun, error, recorder.lines()) };
    // What failed already may well fail to be disposed of, and the first failure is the one to show.
    await limited(disposeAll()).catch(() => undefined);
  }
  const measures: CaseMeasures = {
    ...counts,
    calls: recorder.calls,
    longestCallMs: recorder.longestCallMs,
  };
  return { ...caseRun, ...outcome, measures };
}
