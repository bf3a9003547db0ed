import type { FullStore } from "@kv/core";
import * as fc from "fast-check";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { type HistoryEntry, inspectHistory, isLinearizable } from "../../history/linearizability.ts";
import { type KeyCall, makeKeyCall } from "../../model/key-call.ts";
import { randomRuns, reproduction } from "../../model/random-runs.ts";
import { concurrently } from "../shared/concurrently.ts";

const keys = ["a", "b"];
const values = ["1", "2", "3", "x"];
const callersPerHandle = 3;

const key = fc.constantFrom(...keys);
const value = fc.constantFrom(...values);
const expiry = fc.constant("never" as const);
const renewForMs = fc.constant(3_600_000);

const plainCall: fc.Arbitrary<KeyCall> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("get" as const, "get" as const, "exists" as const, "delete" as const),
    key,
  }),
  fc.record({ kind: fc.constant("set" as const), key, value, expiry }),
  fc.record({ kind: fc.constantFrom("touch" as const, "getAndRenew" as const), key, renewForMs }),
);

const atomicCall: fc.Arbitrary<KeyCall> = fc.oneof(
  plainCall,
  fc.record({ kind: fc.constant("setIfAbsent" as const), key, value, expiry }),
  fc.record({ kind: fc.constant("increment" as const), key, by: fc.constantFrom(1, 2), expiry }),
  fc.record({ kind: fc.constant("compareAndSet" as const), key, expected: value, value, expiry }),
  fc.record({ kind: fc.constant("compareAndDelete" as const), key, expected: value }),
  fc.record({ kind: fc.constant("take" as const), key }),
);

/** What comes between the two halves of a `take` that is none in one step. */
const takingCall: fc.Arbitrary<KeyCall> = fc.oneof(
  fc.record({ kind: fc.constantFrom("take" as const, "take" as const, "delete" as const), key }),
  fc.record({ kind: fc.constant("set" as const), key, value, expiry }),
  fc.record({ kind: fc.constant("setIfAbsent" as const), key, value, expiry }),
  fc.record({ kind: fc.constant("compareAndSet" as const), key, expected: value, value, expiry }),
);

/** Recorded histories: whatever callers do at the same time, one order must explain all answers. */
export const historyCases: readonly ContractCase[] = [
  ...concurrently({
    rule: "S6",
    title: "one order explains every answer of a recorded history",
    run: async (stores, context) => expectHistories(stores, context, plainCall),
  }),
  ...concurrently({
    rule: "A3",
    title: "one order explains every answer of a recorded history with atomic steps",
    needs: ["atomic"],
    run: async (stores, context) => expectHistories(stores, context, atomicCall),
  }),
  ...concurrently({
    rule: "A4",
    title: "one order explains every answer of a recorded history of takes beside other changes",
    needs: ["atomic"],
    run: async (stores, context) => expectHistories(stores, context, takingCall),
  }),
];

async function expectHistories(
  stores: readonly FullStore[],
  { options }: CaseContext,
  call: fc.Arbitrary<KeyCall>,
): Promise<void> {
  const handles = [...new Set(stores)];
  const random = randomRuns(options);
  const script = fc.array(call, { minLength: 8, maxLength: 8 });
  const scripts = fc.array(script, { minLength: callersPerHandle, maxLength: callersPerHandle });
  const rounds = fc.sample(fc.tuple(...handles.map(() => scripts)), {
    seed: random.seed,
    numRuns: Math.ceil(random.runs / 2),
  });
  for (const round of rounds) {
    await Promise.all(keys.map(async (each) => handles[0]?.delete(each)));
    const history = await recordedHistory(handles, round);
    for (const each of keys) {
      const ofKey = history.filter((entry) => entry.call.key === each);
      if (isLinearizable(ofKey)) continue;
      throw new ExpectationError(
        "an order in which the calls took effect one after another, each while it was in flight and those of a handle as they were made, that explains every answer",
        `a history that has none (${reproduction(random)}):\n${inspectHistory(ofKey)}`,
      );
    }
  }
}

/** Lets several callers of each handle make their calls, and writes down what they got and when. */
async function recordedHistory(
  handles: readonly FullStore[],
  scripts: readonly (readonly (readonly KeyCall[])[])[],
): Promise<HistoryEntry[]> {
  const history: HistoryEntry[] = [];
  let moments = 0;
  const callers = handles.flatMap((store, caller) =>
    (scripts[caller] ?? []).map(async (script) => {
      for (const call of script) {
        const startedAt = moments++;
        const { answer } = await makeKeyCall(store, call);
        history.push({ caller, call, answer, startedAt, endedAt: moments++ });
      }
    }),
  );
  await Promise.all(callers);
  return history;
}
