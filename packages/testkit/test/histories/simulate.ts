import type { HistoryEntry } from "../../src/history/history-entry.ts";
import type { KeyCall } from "../../src/model/key-call.ts";
import type { StoreCall } from "../../src/model/store-call.ts";
import { StoreModel } from "../../src/model/store-model.ts";

/** A call, when it is in flight, and when it takes effect. */
export interface PlannedCall {
  readonly caller: number;
  readonly call: StoreCall;
  readonly startedAt: number;
  readonly endedAt: number;
  /** `undefined`: it never takes effect. After its end: its outcome is unknown. */
  readonly effectAt: number | undefined;
  readonly isUnknown?: boolean;
}

/** The history of a right store to which this happens. */
export function simulate(plan: readonly PlannedCall[]): HistoryEntry[] {
  const model = new StoreModel();
  const outcomes = new Map<PlannedCall, HistoryEntry["outcome"]>();
  const effective = plan.filter(({ effectAt }) => effectAt !== undefined);
  for (const planned of effective.toSorted((one, two) => (one.effectAt ?? 0) - (two.effectAt ?? 0))) {
    const answer = model.apply([], planned.call);
    if (planned.isUnknown !== true) outcomes.set(planned, answer);
  }
  return plan.map((planned) => {
    const { caller, call, startedAt, endedAt } = planned;
    const outcome = outcomes.get(planned) ?? (planned.isUnknown === true ? "unknown" : "not done");
    return { caller, call, outcome, startedAt, endedAt };
  });
}

/** Numbers that look random and are the same every time. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What so many clients do on so many keys, each one call after another. */
export function planLoad(calls: number, clients: number, keys: number, seed: number): PlannedCall[] {
  const random = randomNumbers(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const freeAt = Array.from({ length: clients }, () => random());
  return Array.from({ length: calls }, (_, at) => {
    const caller = freeAt.indexOf(Math.min(...freeAt));
    const startedAt = freeAt[caller] as number;
    const effectAt = startedAt + random();
    const endedAt = effectAt + random();
    freeAt[caller] = endedAt + random() / 10;
    return { caller, call: someCall(`key ${pick(keys)}`, at, pick), startedAt, effectAt, endedAt };
  });
}

const hourMs = 3_600_000;

function someCall(key: string, at: number, pick: (count: number) => number): KeyCall {
  const expiry = pick(3) === 0 ? ("never" as const) : (1 + pick(3)) * hourMs;
  switch (pick(12)) {
    case 0:
    case 1:
      return { kind: "set", key, value: String(at), expiry };
    case 2:
      return { kind: "increment", key, by: 1, expiry };
    case 3:
      return { kind: "delete", key };
    case 4:
      return { kind: "take", key };
    case 5:
      return { kind: "setIfAbsent", key, value: String(at), expiry };
    case 6:
      return { kind: "touch", key, renewForMs: hourMs };
    case 7:
      return { kind: "compareAndSet", key, expected: String(pick(at + 1)), value: String(at), expiry };
    case 8:
      return { kind: "expiresIn", key };
    default:
      return { kind: "get", key };
  }
}
