import type { ProofReport, RuleReport } from "./proof-report.ts";

/** Sums a report up in a few words: `35 of 35 rules proved`, `5 rules broken`. */
export function headline({ totals: { rules, proved, provedInPart, broken } }: ProofReport): string {
  if (broken > 0) return `${counted(broken)} broken`;
  return `${proved} of ${counted(rules)} proved${provedInPart === 0 ? "" : `, ${provedInPart} in part`}`;
}

/** Counts the cases of a rule that passed, of all that there are: `12`, `10 of 12`. */
export function caseCount({ passed, failures, unproven }: RuleReport): string {
  const all = passed + failures.length + unproven.length;
  return passed === all ? String(all) : `${passed} of ${all}`;
}

function counted(rules: number): string {
  return `${rules} ${rules === 1 ? "rule" : "rules"}`;
}
