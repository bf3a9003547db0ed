import type { RuleId } from "../contract/rules.ts";
import { checkWithAnyExpiry } from "./check-history.ts";
import type { HistoryEntry } from "./history-entry.ts";

/** A rule, and what of a history is not held against it any more. */
type Leniency = readonly [rule: RuleId, allows: (entry: HistoryEntry, index: number) => HistoryEntry];

/** Where one explains the history, that is the rule which is broken. */
const leniencies: readonly Leniency[] = [
  ["S6", (entry, index) => ({ ...entry, caller: index })],
  ["A4", unknownOutcome("take")],
  ["N5", unknownOutcome("deleteAll")],
  ["A1", unknownOutcome("increment")],
  ["A2", unknownOutcome("setIfAbsent")],
  ["A3", unknownOutcome("compareAndSet", "compareAndDelete")],
];

const expiryRules: readonly (readonly [rule: RuleId, kinds: readonly string[]])[] = [
  ["A1", ["increment"]],
  ["A2", ["setIfAbsent"]],
  ["A3", ["compareAndSet"]],
  ["T3", ["touch", "getAndRenew"]],
  ["T2", ["set"]],
];

const maxSteps = 10_000;

/**
 * Names the rule that a history breaks which is not linearizable, by what explains it, `suspect` before the others.
 * `undefined` where nothing does alone.
 */
export function nameBrokenRule(history: readonly HistoryEntry[], suspect: RuleId): RuleId | undefined {
  const fits = (entries: readonly HistoryEntry[], anyExpiryAfter: readonly string[] = []): boolean =>
    checkWithAnyExpiry(entries, new Set(anyExpiryAfter), maxSteps).verdict === "linearizable";
  const suspectFirst = <T extends readonly [RuleId, unknown]>(explanations: readonly T[]): T[] => [
    ...explanations.filter(([rule]) => rule === suspect),
    ...explanations.filter(([rule]) => rule !== suspect),
  ];

  if (fits(history.map(withoutTimes))) {
    return suspectFirst(expiryRules).find(([, kinds]) => fits(history, kinds))?.[0];
  }
  return suspectFirst(leniencies).find(([, allow]) => fits(history.map(allow)))?.[0];
}

function withoutTimes(entry: HistoryEntry): HistoryEntry {
  const { outcome } = entry;
  return typeof outcome === "string" ? entry : { ...entry, outcome: { ...outcome, leftMs: undefined } };
}

function unknownOutcome(...kinds: readonly string[]): Leniency[1] {
  return (entry) => (kinds.includes(entry.call.kind) ? { ...entry, outcome: "unknown" } : entry);
}
