import type { CallExpiry } from "../model/key-call.ts";
import type { CallAnswer, StoreCall } from "../model/store-call.ts";
import type { HistoryEntry } from "./history-entry.ts";

/**
 * Writes a history as Jepsen does, and as Knossos and other checkers read it: in EDN, an operation a line, one where
 * a call begins (`:invoke`) and one where it ends. That is `:ok`; `:fail` where it was not done, or was a conditional write
 * whose condition did not hold; `:info` where the outcome is unknown. The calls of a register have its names: `:read`,
 * `:write` and `:cas`. A process makes one call at a time, and none after an `:info`: a caller (`:caller`) with calls in
 * flight together has several. `:time` is in nanoseconds since the first call.
 *
 * @example
 * ```ts
 * import { jepsenHistory } from "@kv/testkit";
 *
 * const text = jepsenHistory([
 *   {
 *     caller: 0,
 *     call: { kind: "get", key: "a" },
 *     outcome: { answer: "1", leftMs: undefined },
 *     startedAt: 0,
 *     endedAt: 2,
 *   },
 * ]);
 * console.log(text);
 * // {:index 0, :time 0, :type :invoke, :process 0, :caller 0, :f :read, :key "a", :value nil}
 * // {:index 1, :time 2000000, :type :ok, :process 0, :caller 0, :f :read, :key "a", :value "1"}
 * ```
 */
export function jepsenHistory(history: readonly HistoryEntry[]): string {
  const events = history
    .flatMap((entry) => [
      { entry, isEnd: false, moment: entry.startedAt },
      { entry, isEnd: true, moment: entry.endedAt },
    ])
    .filter(({ moment }) => Number.isFinite(moment))
    .toSorted((one, two) => one.moment - two.moment || Number(one.isEnd) - Number(two.isEnd));
  const begin = events[0]?.moment ?? 0;
  const processes = new Map<HistoryEntry, number>();
  const idle: number[] = [];
  let processCount = 0;

  const lines = events.map(({ entry, isEnd, moment }, index) => {
    const process = processes.get(entry) ?? idle.pop() ?? processCount++;
    processes.set(entry, process);
    const type = isEnd ? completionOf(entry) : "invoke";
    if (type === "ok" || type === "fail") idle.push(process);
    const { f, value, ...others } = operationOf(entry.call);
    const isRead = value === undefined;
    const answer = isEnd && typeof entry.outcome !== "string" ? entry.outcome : undefined;
    return edn({
      index,
      time: Math.round((moment - begin) * 1e6),
      type: new Keyword(type),
      process,
      caller: entry.caller,
      f: new Keyword(f),
      ...others,
      value: isRead ? valueOf(entry.call, answer) : value,
      ...(answer?.leftMs !== undefined && { leftMs: answer.leftMs }),
    });
  });
  return lines.map((line) => `${line}\n`).join("");
}

function completionOf({ call, outcome }: HistoryEntry): "ok" | "fail" | "info" {
  if (outcome === "unknown") return "info";
  if (outcome === "not done") return "fail";
  return conditional.has(call.kind) && outcome.answer === false ? "fail" : "ok";
}

const conditional: ReadonlySet<string> = new Set(["setIfAbsent", "compareAndSet", "compareAndDelete"]);

/** The fields of a call. Without a value it is one that gives a value. */
function operationOf(call: StoreCall): Record<string, unknown> & { f: string } {
  switch (call.kind) {
    case "get":
      return { f: "read", key: call.key };
    case "set":
      return { f: "write", key: call.key, value: call.value, ...expiryOf(call.expiry) };
    case "setIfAbsent":
      return { f: call.kind, key: call.key, value: call.value, ...expiryOf(call.expiry) };
    case "compareAndSet":
      return { f: "cas", key: call.key, value: [call.expected, call.value], ...expiryOf(call.expiry) };
    case "compareAndDelete":
      return { f: call.kind, key: call.key, value: call.expected };
    case "increment":
      return { f: call.kind, key: call.key, by: call.by, ...expiryOf(call.expiry) };
    case "touch":
    case "getAndRenew":
      return { f: call.kind, key: call.key, renewForMs: call.renewForMs };
    case "getMany":
    case "deleteMany":
      return { f: call.kind, keys: call.keys };
    case "setMany":
      return { f: call.kind, value: call.entries, ...expiryOf(call.expiry) };
    case "deleteAll":
      return { f: call.kind };
    default:
      return { f: call.kind, key: call.key };
  }
}

function expiryOf(expiry: CallExpiry): object {
  if (expiry === "keep") return { keepExpiry: true };
  return expiry === "never" ? {} : { expiresInMs: expiry };
}

function valueOf(call: StoreCall, got: CallAnswer | undefined): unknown {
  return call.kind === "expiresIn" ? got?.leftMs : got?.answer;
}

class Keyword {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

function edn(value: unknown): string {
  if (value === undefined) return "nil";
  if (value instanceof Keyword)
    return `:${value.name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (Array.isArray(value)) return `[${value.map(edn).join(" ")}]`;
  if (typeof value === "object") {
    const fields = Object.entries(value as object);
    return `{${fields.map(([name, field]) => `${edn(new Keyword(name))} ${edn(field)}`).join(", ")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? "##NaN" : value > 0 ? "##Inf" : "##-Inf";
  }
  return JSON.stringify(value);
}
