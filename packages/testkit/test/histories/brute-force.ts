import type { HistoryEntry } from "../../src/history/history-entry.ts";

// The same question as `checkHistory` answers, asked in the plainest way: every order of the calls is tried. It shares no
// code with the checker, nor with the model.

type State = { readonly value: string; readonly lifeMs: number } | undefined;

interface Operation {
  readonly entry: HistoryEntry;
  readonly isOptional: boolean;
  readonly end: number;
}

/** Tells whether some order explains a history of calls on single keys and `deleteAll`. For few calls. */
export function isLinearizableByBruteForce(history: readonly HistoryEntry[]): boolean {
  const keys = new Set(history.flatMap(({ call }) => ("key" in call ? [call.key] : [])));
  return [...keys].every((key) => {
    const operations = history
      .filter(({ call }) => call.kind === "deleteAll" || ("key" in call && call.key === key))
      .flatMap(operationsOf);
    return explains([], operations, undefined);
  });
}

function operationsOf(entry: HistoryEntry): Operation[] {
  if (entry.outcome === "not done") return [];
  const isUnknown = entry.outcome === "unknown";
  const end = isUnknown ? Number.POSITIVE_INFINITY : entry.endedAt;
  const once = { entry, isOptional: isUnknown, end };
  return entry.call.kind === "deleteAll" ? [once, { ...once, isOptional: true }] : [once];
}

function explains(placed: readonly Operation[], rest: readonly Operation[], state: State): boolean {
  if (rest.every(({ isOptional }) => isOptional)) return true;
  return rest.some((next) => {
    const others = rest.filter((operation) => operation !== next);
    if (others.some((other) => !other.isOptional && precedes(other, next))) return false;
    if (placed.some((earlier) => precedes(next, earlier))) return false;
    const { answer, leftMs, after } = step(state, next.entry.call);
    const { outcome } = next.entry;
    if (typeof outcome !== "string" && next.entry.call.kind !== "deleteAll") {
      if (answer !== outcome.answer) return false;
      if (outcome.leftMs !== undefined && leftMs !== outcome.leftMs) return false;
    }
    return explains([...placed, next], others, after);
  });
}

function precedes(one: Operation, two: Operation): boolean {
  if (one.end < two.entry.startedAt) return true;
  if (one.isOptional || two.isOptional || one.entry.caller !== two.entry.caller) return false;
  return one.entry.startedAt < two.entry.startedAt;
}

function step(
  state: State,
  call: HistoryEntry["call"],
): { readonly answer: unknown; readonly leftMs?: number | undefined; readonly after: State } {
  const lifeMs =
    "expiry" in call && call.expiry !== "never"
      ? call.expiry === "keep"
        ? (state?.lifeMs ?? Number.POSITIVE_INFINITY)
        : call.expiry
      : Number.POSITIVE_INFINITY;
  switch (call.kind) {
    case "get":
      return { answer: state?.value, after: state };
    case "exists":
      return { answer: state !== undefined, after: state };
    case "expiresIn":
      return { answer: state !== undefined, leftMs: state?.lifeMs, after: state };
    case "delete":
      return { answer: state !== undefined, after: undefined };
    case "deleteAll":
      return { answer: undefined, after: undefined };
    case "take":
      return { answer: state?.value, after: undefined };
    case "set":
      return { answer: undefined, after: { value: call.value, lifeMs } };
    case "touch":
      return {
        answer: state !== undefined,
        after:
          state !== undefined && state.lifeMs < Number.POSITIVE_INFINITY
            ? { value: state.value, lifeMs: call.renewForMs }
            : state,
      };
    case "setIfAbsent":
      return state === undefined
        ? { answer: true, after: { value: call.value, lifeMs } }
        : { answer: false, after: state };
    case "compareAndSet":
      return state !== undefined && state.value === call.expected
        ? { answer: true, after: { value: call.value, lifeMs } }
        : { answer: false, after: state };
    case "increment": {
      const sum = Number(state?.value ?? "0") + call.by;
      const life = state === undefined ? lifeMs : state.lifeMs;
      return { answer: sum, leftMs: life, after: { value: String(sum), lifeMs: life } };
    }
    default:
      throw new Error(`no ${call.kind} here`);
  }
}
