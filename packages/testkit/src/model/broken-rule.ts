import type { RuleId } from "../contract/rules.ts";
import { keysOf, type ModelStep } from "./model-step.ts";
import type { CallAnswer, StoreCall } from "./store-call.ts";

/** An answer that is not the one of the model. */
export interface Difference {
  readonly step: ModelStep;
  /** Undefined where the step was only begun to see what this one has left: then that one, or `time` where time has passed. */
  readonly after: ModelStep | "time" | undefined;
  readonly expected: CallAnswer;
  readonly got: CallAnswer | undefined;
}

/** The rule that is broken where a call itself does not give what it must, or not leave it. */
const rulesByKind: Readonly<Record<StoreCall["kind"], RuleId>> = {
  get: "S1",
  getMany: "S1",
  set: "S1",
  setMany: "S1",
  exists: "S2",
  delete: "S2",
  deleteMany: "S2",
  deleteAll: "N2",
  touch: "T3",
  getAndRenew: "T3",
  expiresIn: "T4",
  increment: "A1",
  setIfAbsent: "A2",
  compareAndSet: "A3",
  compareAndDelete: "A3",
  take: "A4",
};

/** Names the rule that is broken, by the step that broke it and by what differs. */
export function brokenRule({ step, after, expected, got }: Difference): RuleId {
  const isOfTime = expected.answer === got?.answer;
  if (after === "time") return isOfTime ? "T4" : "T1";
  if (after === undefined) {
    const isRead = step.call.kind === "get" || step.call.kind === "getAndRenew";
    return isRead && expected.answer === undefined ? "S2" : rulesByKind[step.call.kind];
  }
  const { call } = after;
  if (call.kind === "deleteAll") return "N2";
  if (JSON.stringify(step.path) !== JSON.stringify(after.path)) return "N1";
  if (!keysOf(after).some((key) => keysOf(step).includes(key))) return "S4";
  if (call.kind === "set" || call.kind === "setMany") {
    // A life that is asked for is of T1; none, or that of before, of T2.
    if (isOfTime) return typeof call.expiry === "number" ? "T1" : "T2";
    if (call.kind === "setMany" && new Map(call.entries).size < call.entries.length) return "S5";
  }
  return rulesByKind[call.kind];
}
