import { keyCallsOf, type StoreCall } from "../model/store-call.ts";
import { checkHistory } from "./check-history.ts";
import type { HistoryEntry } from "./history-entry.ts";

/** Tells whether a call may change or read a key. */
export function concernsKey(call: StoreCall, key: string): boolean {
  return call.kind === "deleteAll" || keyCallsOf(call).some((one) => one.key === key);
}

/**
 * Returns the shortest beginning of a history that is not linearizable which is not so either. Calls that were in flight at
 * its end are unknown.
 */
export function shortestBroken(history: readonly HistoryEntry[]): readonly HistoryEntry[] {
  for (const end of history.map(({ endedAt }) => endedAt).toSorted((one, two) => one - two)) {
    const beginning = history
      .filter(({ startedAt }) => startedAt <= end)
      .map((entry): HistoryEntry => (entry.endedAt <= end ? entry : { ...entry, outcome: "unknown" }));
    if (checkHistory(beginning, { maxSteps: 10_000 }).verdict === "not linearizable") return beginning;
  }
  return history;
}
