import type { CaseResult } from "../contract/case-result.ts";
import { type RuleId, rules as texts } from "../contract/rules.ts";

const allRules = Object.keys(texts) as RuleId[];

/**
 * Lists what the results leave open: a line for each reason, with the rules, `(in no case)` where nothing else proves a
 * rule. Empty where all is proven.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { runCases, unprovenRules } from "@kv/testkit";
 *
 * const results = await runCases({
 *   name: "memory",
 *   capabilities: ["batch"],
 *   open: () => ({ store: memoryStore() }),
 * });
 * for (const line of unprovenRules(results)) console.log(line);
 * ```
 */
export function unprovenRules(results: readonly CaseResult[]): string[] {
  const tried = new Set(
    results.filter(({ outcome }) => outcome !== "unproven").map(({ testCase }) => testCase.rule),
  );
  const rulesByReason = new Map<string, Set<RuleId>>();
  for (const result of results) {
    if (result.outcome !== "unproven") continue;
    const rules = rulesByReason.get(result.because) ?? new Set();
    rulesByReason.set(result.because, rules.add(result.testCase.rule));
  }
  return Array.from(rulesByReason, ([reason, rules]) => {
    const named = allRules
      .filter((rule) => rules.has(rule))
      .map((rule) => (tried.has(rule) ? `${rule} (in part)` : rule));
    return `${named.join(", ")}: ${reason}`;
  });
}
