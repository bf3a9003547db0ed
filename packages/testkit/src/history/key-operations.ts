import type { KeyCall } from "../model/key-call.ts";
import { type CallAnswer, keyCallsOf, toldNoTime } from "../model/store-call.ts";
import type { HistoryEntry } from "./history-entry.ts";

/** A call as one key has it. */
export interface KeyOperation {
  readonly caller: number;
  readonly call: KeyCall;
  /** The answer that it must give; undefined where any will do. */
  readonly answer: CallAnswer | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  /** It may as well never take effect; if it does, then in no order with the others of its caller. */
  readonly isOptional: boolean;
}

/**
 * Splits a history by keys. What has no effect is left out: calls that were not done, and reads of an unknown outcome.
 *
 * A batch is not atomic as a whole (S5), and so becomes a call on each of its keys, in flight between the same moments. Of a
 * `deleteMany` the count says what became of each key only where it is none or all of them. A `deleteAll` deletes each
 * key at some moment, and may do so at one more, when it meets what was written meanwhile (N5). All this allows more than
 * the contract does, never less.
 */
export function splitByKey(history: readonly HistoryEntry[]): Map<string, KeyOperation[]> {
  const operations = new Map<string, KeyOperation[]>();
  for (const { call } of history) {
    for (const { key } of keyCallsOf(call)) operations.set(key, []);
  }
  for (const entry of history) {
    if (entry.outcome === "not done") continue;
    for (const operation of operationsOf(entry, [...operations.keys()])) {
      operations.get(operation.call.key)?.push(operation);
    }
  }
  return operations;
}

function operationsOf(entry: HistoryEntry, keys: readonly string[]): KeyOperation[] {
  const { caller, call, outcome, startedAt } = entry;
  const isUnknown = outcome === "unknown";
  const operation = (
    one: KeyCall,
    answer: CallAnswer | undefined,
    isOptional: boolean = isUnknown,
  ): KeyOperation => ({
    caller,
    call: one,
    answer: isUnknown ? undefined : answer,
    startedAt,
    endedAt: isUnknown ? Number.POSITIVE_INFINITY : entry.endedAt,
    isOptional,
  });

  if (call.kind === "deleteAll") {
    return keys.flatMap((key) => [
      operation({ kind: "delete", key }, undefined),
      operation({ kind: "delete", key }, undefined, true),
    ]);
  }
  const calls = keyCallsOf(call).filter(({ kind }) => !(isUnknown && readKinds.has(kind)));
  if (typeof outcome === "string") return calls.map((one) => operation(one, undefined));
  switch (call.kind) {
    case "getMany": {
      const answers = new Map(call.keys.map((key, at) => [key, partOf(outcome, at)]));
      return [...answers].map(([key, answer]) => operation({ kind: "get", key }, answer));
    }
    case "deleteMany":
      return calls.map((one) => operation(one, deletedOf(outcome, calls.length)));
    case "setMany":
      return calls.map((one) => operation(one, outcome));
    default:
      return calls.map((one) => operation(one, outcome));
  }
}

const readKinds: ReadonlySet<string> = new Set(["get", "exists", "expiresIn"]);

function partOf({ answer }: CallAnswer, at: number): CallAnswer {
  return toldNoTime(Array.isArray(answer) ? (answer[at] as string | undefined) : Number.NaN);
}

/** What a `deleteMany` of so many keys says of each: `NaN`, which no delete answers, where it cannot be right. */
function deletedOf({ answer }: CallAnswer, count: number): CallAnswer | undefined {
  if (answer === 0) return toldNoTime(false);
  if (answer === count) return toldNoTime(true);
  const isPossible = Number.isInteger(answer) && Number(answer) > 0 && Number(answer) < count;
  return isPossible ? undefined : toldNoTime(Number.NaN);
}
