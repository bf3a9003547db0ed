import { type CaseResult, type CaseRun, caseName, noMeasures } from "../contract/case-result.ts";
import type { Place } from "../contract/contract-case.ts";
import type { Capability, Harness } from "../contract/harness.ts";
import { type RuleId, rules } from "../contract/rules.ts";
import { caseRuns, placesOf } from "../runner/run-cases.ts";

/** A report of what a run has proved of a store, and what not. It is plain data, as it stands in the JSON. */
export interface ProofReport {
  /** The version of this shape. */
  readonly format: 1;
  /** The name of the harness. */
  readonly name: string;
  /** The end of the run: `2026-11-28T18:00:00.000Z`. */
  readonly date: string;
  /** The versions of the kit, of core, of the runtime, and of what the harness names. */
  readonly versions: Readonly<Record<string, string>>;
  /** The commit that was tested; it ends in `-dirty` where something was changed since. */
  readonly commit?: string | undefined;
  /** The seed of everything random. */
  readonly seed: number;
  /** The number of random runs of each kind. */
  readonly runs: number;
  /** The way to make the same run again, as a command or as code. */
  readonly repeat: string;
  /** The capabilities that the harness declares. */
  readonly capabilities: readonly Capability[];
  /** The places that the cases ran at. */
  readonly places: readonly Place[];
  /** The library that was tested, where the harness speaks for another's. */
  readonly about?: About | undefined;
  /** The counts of rules by verdict, and of cases by outcome. */
  readonly totals: ReportTotals;
  /** The measures of the run. */
  readonly measures: ReportMeasures;
  /** Every rule of the contract, in its order. */
  readonly rules: readonly RuleReport[];
}

/** The verdict on a rule. Only a rule of which no case failed and none was left out is proved. */
export type Verdict = "proved" | "proved in part" | "broken" | "not proven";

/** The counts of rules by verdict, and of cases by outcome. */
export interface ReportTotals {
  /** The number of rules. */
  readonly rules: number;
  /** The number of rules of which every case passed. */
  readonly proved: number;
  /** The number of rules of which some cases passed, and the others could not be tried. */
  readonly provedInPart: number;
  /** The number of rules that the store broke. */
  readonly broken: number;
  /** The number of rules of which no case passed. */
  readonly notProven: number;
  /** The number of cases, each counted at each of its places. */
  readonly cases: number;
  /** The number of cases that passed. */
  readonly passed: number;
  /** The number of cases that failed. */
  readonly failed: number;
  /** The number of cases that prove nothing: not tried, or not decided. */
  readonly unproven: number;
}

/** The measures of a run, of all its cases together. */
export interface ReportMeasures {
  /** The number of calls made on stores, the steps of listings included. */
  readonly calls: number;
  /** The longest time between a call and its answer, in milliseconds. */
  readonly longestCallMs: number;
  /** The number of faults injected. */
  readonly faults: number;
  /** The number of recorded histories checked. */
  readonly histories: number;
  /** The number of histories on which the checker gave up. A case that has one proves nothing. */
  readonly undecidedHistories: number;
  /** The number of random runs made. */
  readonly randomRuns: number;
  /** The time that the run took, in milliseconds. */
  readonly durationMs: number;
}

/** A rule, and what the run says of it. */
export interface RuleReport {
  /** The rule: `T2`. */
  readonly rule: RuleId;
  /** The rule in the contract's words. */
  readonly text: string;
  /** The promise that the library itself makes in its place. */
  readonly promise?: string | undefined;
  /** The verdict. */
  readonly verdict: Verdict;
  /** The number of its cases that passed. */
  readonly passed: number;
  /** The cases that broke it, those of other rules included. */
  readonly failures: readonly ReportedFailure[];
  /** The cases of it that prove nothing. */
  readonly unproven: readonly ReportedGap[];
}

/** A case that broke a rule. */
export interface ReportedFailure {
  /** The case. */
  readonly case: string;
  /** The place. */
  readonly place: Place;
  /** The message: what was done, what was expected and what came. */
  readonly message: string;
}

/** A case that proves nothing. */
export interface ReportedGap {
  /** The case. */
  readonly case: string;
  /** The place. */
  readonly place: Place;
  /** The reason. */
  readonly because: string;
}

/** The library that a harness speaks for, where its authors have not promised this contract. */
export interface About {
  /** The name of the library. */
  readonly name: string;
  /** The version that was tested. */
  readonly version: string;
  /** The library's own promises, in its own words, by the rule that they stand beside. */
  readonly promises?: Readonly<Partial<Record<RuleId, string>>> | undefined;
  /** Remarks for the reader: how the adapter calls it, what it does not offer. */
  readonly notes?: readonly string[] | undefined;
}

/** The parts of a report that no result tells. */
export interface ReportParts extends Pick<ProofReport, "versions" | "commit" | "seed" | "runs" | "about"> {
  /** The harness that was run. */
  readonly harness: Harness;
  /** The end of the run, in milliseconds since 1970. */
  readonly dateMs: number;
  /** The time that the run took, in milliseconds. */
  readonly durationMs: number;
  /** The way to make the same run again. Default: the call of `prove`. */
  readonly repeat?: string | undefined;
}

/**
 * Makes the report of a run. A case that has no result was not tried, and proves nothing; neither does one of which a
 * history stayed undecided. A failure counts against the rule that it names, whichever rule its case is of.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { createReport, type Harness, reportMarkdown, runCases } from "@kv/testkit";
 *
 * const harness: Harness = { name: "memory", capabilities: [], open: () => ({ store: memoryStore() }) };
 * const results = await runCases(harness, { seed: 1, runs: 50 });
 * const parts = { harness, seed: 1, runs: 50, versions: {}, dateMs: Date.now(), durationMs: 0 };
 * console.log(reportMarkdown(createReport(results, parts)));
 * ```
 */
export function createReport(results: readonly CaseResult[], parts: ReportParts): ProofReport {
  const { harness, dateMs, durationMs, about, seed, runs, repeat = repeatingCall(seed, runs) } = parts;
  const all = [...results, ...notTried(harness, results)].map(withoutUndecided);
  const ruleReports = ruleIds.map((rule) => reportRule(rule, all, about));
  const withVerdict = (verdict: Verdict): number =>
    ruleReports.filter((each) => each.verdict === verdict).length;
  const withOutcome = (outcome: CaseResult["outcome"]): number =>
    all.filter((each) => each.outcome === outcome).length;
  const sum = (count: (measures: CaseResult["measures"]) => number): number =>
    results.reduce((total, { measures }) => total + count(measures), 0);
  return {
    format: 1,
    name: harness.name,
    date: new Date(dateMs).toISOString(),
    versions: parts.versions,
    commit: parts.commit,
    seed,
    runs,
    repeat,
    capabilities: harness.capabilities,
    places: placesOf(harness),
    about,
    totals: {
      rules: ruleReports.length,
      proved: withVerdict("proved"),
      provedInPart: withVerdict("proved in part"),
      broken: withVerdict("broken"),
      notProven: withVerdict("not proven"),
      cases: all.length,
      passed: withOutcome("passed"),
      failed: withOutcome("failed"),
      unproven: withOutcome("unproven"),
    },
    measures: {
      calls: sum(({ calls }) => calls),
      longestCallMs: Math.round(Math.max(0, ...results.map(({ measures }) => measures.longestCallMs))),
      faults: sum(({ faults }) => faults),
      histories: sum(({ histories }) => histories),
      undecidedHistories: sum(({ undecidedHistories }) => undecidedHistories),
      randomRuns: sum((measures) => measures.randomRuns),
      durationMs: Math.round(durationMs),
    },
    rules: ruleReports,
  };
}

const ruleIds = Object.keys(rules) as readonly RuleId[];

function repeatingCall(seed: number, runs: number): string {
  return `await prove(harness, { seed: ${seed}, runs: ${runs} });`;
}

function notTried(harness: Harness, results: readonly CaseResult[]): CaseResult[] {
  const nameOf = ({ testCase, place }: CaseRun): string => `${caseName(testCase)} (${place})`;
  const tried = new Set(results.map(nameOf));
  return caseRuns(harness)
    .filter((run) => !tried.has(nameOf(run)))
    .map((run) => ({
      ...run,
      outcome: "unproven",
      because: "not tried in this run",
      measures: noMeasures,
    }));
}

function withoutUndecided(result: CaseResult): CaseResult {
  const { testCase, place, outcome, measures } = result;
  const { histories, undecidedHistories } = measures;
  if (outcome !== "passed" || undecidedHistories === 0) return result;
  const because = `of ${histories} recorded histories, ${undecidedHistories} stayed undecided`;
  return { testCase, place, outcome: "unproven", because, measures };
}

function reportRule(rule: RuleId, results: readonly CaseResult[], about: About | undefined): RuleReport {
  let passed = 0;
  const failures: ReportedFailure[] = [];
  const unproven: ReportedGap[] = [];
  for (const result of results) {
    const { testCase, place } = result;
    const where = { case: caseName(testCase), place };
    if (result.outcome === "failed" && result.error.rule === rule) {
      // One trace says it; dozens of them would be megabytes.
      const { message } = result.error;
      failures.push({ ...where, message: failures.length === 0 ? message : withoutTrace(message) });
    } else if (testCase.rule === rule) {
      if (result.outcome === "passed") passed += 1;
      else if (result.outcome === "unproven") unproven.push({ ...where, because: result.because });
      else unproven.push({ ...where, because: `a failure of ${result.error.rule} ended the case` });
    }
  }
  const verdict = verdictOn(passed, failures.length, unproven.length);
  return { rule, text: rules[rule], promise: about?.promises?.[rule], verdict, passed, failures, unproven };
}

function verdictOn(passed: number, failed: number, unproven: number): Verdict {
  if (failed > 0) return "broken";
  if (passed === 0) return "not proven";
  return unproven === 0 ? "proved" : "proved in part";
}

/** Returns the message of a violation without the calls that were made. */
function withoutTrace(message: string): string {
  return message.split("\nwhat was done:")[0] ?? message;
}
