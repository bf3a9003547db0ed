import { yieldToEventLoop } from "@kv/core/driver";
import { type CaseResult, type CaseRun, ContractViolation, noMeasures } from "../contract/case-result.ts";
import type { RunOptions } from "../contract/contract-case.ts";
import { ExpectationError } from "../contract/expectation-error.ts";
import type { Harness } from "../contract/harness.ts";
import { randomRuns } from "../model/random-runs.ts";
import { inspect } from "../support/inspect.ts";
import { ProcessFailures } from "./process-failures.ts";
import { runCase } from "./run-case.ts";

/** A store that hangs would cost a limit for each case that is left. */
const mostHangs = 3;

/** One run of the kit on one harness: all its cases have one seed, and it ends early where the store hangs again and again. */
export class KitRun {
  readonly harness: Harness;
  readonly options: RunOptions & { readonly seed: number };
  readonly failures: ProcessFailures = new ProcessFailures();
  #hangs = 0;

  constructor(harness: Harness, options: RunOptions) {
    this.harness = harness;
    this.options = { ...options, seed: randomRuns(options).seed };
  }

  /** Tries one case at one place. Never rejects. */
  async tryCase(caseRun: CaseRun): Promise<CaseResult> {
    if (this.#hangs >= mostHangs) return { ...caseRun, outcome: "unproven", because, measures: noMeasures };
    const alone = await runCase(this.harness, caseRun, this.options);
    await yieldToEventLoop(); // a promise counts as unhandled at the end of a turn
    const result = this.#withFailure(alone);
    if (result.outcome === "failed" && result.error.hung) this.#hangs += 1;
    return result;
  }

  /** Fails a case during which something would have ended the process. */
  #withFailure(result: CaseResult): CaseResult {
    const failure = this.failures.take();
    if (failure === undefined || result.outcome === "failed") return result;
    const { testCase, place, measures } = result;
    const error = new ExpectationError(
      "a store whose failures reject calls",
      `${inspect(failure.error)}, outside of any call or of one that was answered: it would have ended the process`,
      { rule: "L3", cause: failure.error },
    );
    return {
      testCase,
      place,
      measures,
      outcome: "failed",
      error: new ContractViolation({ testCase, place }, error, []),
    };
  }
}

const because = `${mostHangs} cases hung before it, and the run was ended`;
