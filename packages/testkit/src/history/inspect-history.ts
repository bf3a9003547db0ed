import { inspectAnswer, inspectCall } from "../model/store-call.ts";
import type { HistoryEntry } from "./history-entry.ts";

/** Writes a history, a line for each call, for a message. Moments are counted. */
export function inspectHistory(history: readonly HistoryEntry[]): string {
  const moments = history.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt]);
  const numbers = new Map(
    [...new Set(moments)].toSorted((one, two) => one - two).map((moment, at) => [moment, at] as const),
  );
  return history
    .toSorted((one, two) => one.startedAt - two.startedAt)
    .map(
      ({ caller, call, outcome, startedAt, endedAt }) =>
        `    ${numbers.get(startedAt)} to ${numbers.get(endedAt)}, caller ${caller + 1}: ${inspectCall(call)} → ${
          typeof outcome === "string" ? outcome : inspectAnswer(call, outcome)
        }`,
    )
    .join("\n");
}
