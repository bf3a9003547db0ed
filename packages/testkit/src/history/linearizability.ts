import { inspectCall, type KeyAnswer, type KeyCall } from "../model/key-call.ts";
import { applyKeyCall, type KeyState } from "../model/key-model.ts";
import { inspect } from "../support/inspect.ts";

/** One call of a history: who made it, and between which two moments it was in flight. */
export interface HistoryEntry {
  /** The handle. Its calls take effect in the order in which they were made (S6). */
  readonly caller: number;
  readonly call: KeyCall;
  readonly answer: KeyAnswer["answer"];
  /** Moments are counted: each start and each end is the next. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/**
 * Tells whether the calls on one key can have taken effect one after another, each at a moment while it was in flight
 * and those of a caller in their order, so that every answer is right. Nothing is there at first, and nothing
 * expires.
 *
 * A search after Wing and Gong, "Testing and Verifying Concurrent Objects" (1993), which remembers what it has
 * tried, after Lowe, "Testing for linearizability" (2017).
 */
export function isLinearizable(history: readonly HistoryEntry[]): boolean {
  const callers = [...new Set(history.map(({ caller }) => caller))].map((caller) =>
    history.filter((entry) => entry.caller === caller).toSorted((one, two) => one.startedAt - two.startedAt),
  );
  const tried = new Set<string>();

  /** Whether the rest can be put in order: `done` says how many calls of each caller have taken effect. */
  function fits(done: readonly number[], state: KeyState): boolean {
    const next = callers.map((calls, caller) => calls[done[caller] ?? 0]);
    if (next.every((entry) => entry === undefined)) return true;
    const position = `${done.join()} ${JSON.stringify(state?.value)}`;
    if (tried.has(position)) return false;
    tried.add(position);

    // A call that began after another had ended cannot have taken effect before it.
    const firstEnd = Math.min(
      ...callers.flatMap((calls, caller) => calls.slice(done[caller]).map(({ endedAt }) => endedAt)),
    );
    return next.some((entry, caller) => {
      if (entry === undefined || entry.startedAt > firstEnd) return false;
      const applied = applyKeyCall(state, entry.call, 0);
      if (!Object.is(applied.answer.answer, entry.answer)) return false;
      return fits(
        done.map((count, at) => (at === caller ? count + 1 : count)),
        applied.state,
      );
    });
  }

  return fits(
    callers.map(() => 0),
    undefined,
  );
}

/** A history, a line for each call, for a message. */
export function inspectHistory(history: readonly HistoryEntry[]): string {
  return history
    .toSorted((one, two) => one.startedAt - two.startedAt)
    .map(
      ({ caller, call, answer, startedAt, endedAt }) =>
        `    ${startedAt} to ${endedAt}, handle ${caller + 1}: ${inspectCall(call)} → ${inspect(answer)}`,
    )
    .join("\n");
}
