import { ExpectationError, HangError } from "../contract/expectation-error.ts";
import type { ContractCase, Place, Tally } from "./contract-case.ts";
import { rules } from "./rules.ts";

/** The outcome of a case at a place, and what was measured on the way. */
export type CaseResult = CaseRun & Outcome & { readonly measures: CaseMeasures };

/** The measures of one case. */
export interface CaseMeasures extends Readonly<Record<Tally, number>> {
  /** The number of calls made on its stores, the steps of listings included. */
  readonly calls: number;
  /** The longest time between a call and its answer, in milliseconds. */
  readonly longestCallMs: number;
}

/** The measures of a case that was not tried. */
export const noMeasures: CaseMeasures = {
  calls: 0,
  longestCallMs: 0,
  faults: 0,
  histories: 0,
  undecidedHistories: 0,
  randomRuns: 0,
};

/** A case at a place. */
export interface CaseRun {
  /** The case. */
  readonly testCase: ContractCase;
  /** The place. */
  readonly place: Place;
}

/** The outcome of a case. */
export type Outcome =
  | { readonly outcome: "passed" }
  | { readonly outcome: "failed"; readonly error: ContractViolation }
  /** The case could not be tried here. That is no pass: what it would show stays open. */
  | { readonly outcome: "unproven"; readonly because: string };

/** A store broke a rule. The message says which, what was done, what was expected and what came. */
export class ContractViolation extends Error {
  override readonly name: string = "ContractViolation";
  /** The rule of CONTRACT.md: `T2`. */
  readonly rule: ContractCase["rule"];
  /** Tells whether the case ended because a call or the harness hung. */
  readonly hung: boolean;

  constructor({ testCase, place }: CaseRun, error: unknown, calls: readonly string[]) {
    const rule = (error instanceof ExpectationError ? error.rule : undefined) ?? testCase.rule;
    super(
      [
        `${caseName(testCase)} (${place})`,
        `rule ${rule}: ${rules[rule]}`,
        ...(error instanceof ExpectationError
          ? [`expected: ${error.expected}`, `but got:  ${error.got}`]
          : ["expected: no error", `but got:  ${errorText(error)}`]),
        ...(calls.length === 0 ? [] : ["what was done:", ...calls.map((line) => `  ${line}`)]),
      ].join("\n"),
      { cause: error instanceof ExpectationError ? error.cause : error },
    );
    this.rule = rule;
    this.hung = error instanceof HangError;
    // The place in the case says more than that of the runner.
    const frames =
      error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
    if (frames.length > 0) this.stack = [`${this.name}: ${this.message}`, ...frames].join("\n");
  }
}

/**
 * Gives the rule and the behaviour, as a test's title.
 *
 * @example
 * ```ts
 * import { caseName, contractCases } from "@kv/testkit";
 *
 * for (const testCase of contractCases) console.log(caseName(testCase));
 * ```
 */
export function caseName({ rule, title }: ContractCase): string {
  return `${rule} ${title}`;
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? ` (${String(error.code)})` : "";
  return `${error.name}${code}: ${error.message}`;
}
