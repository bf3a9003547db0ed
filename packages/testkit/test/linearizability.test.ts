import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkHistory } from "../src/history/check-history.ts";
import type { HistoryEntry } from "../src/history/history-entry.ts";
import { nameBrokenRule } from "../src/history/name-broken-rule.ts";
import type { CallExpiry, KeyCall } from "../src/model/key-call.ts";
import type { CallAnswer, ManyKeysCall } from "../src/model/store-call.ts";
import { isLinearizableByBruteForce } from "./histories/brute-force.ts";
import { type PlannedCall, planLoad, simulate } from "./histories/simulate.ts";

const hourMs = 3_600_000;

type Moves = KeyCall extends infer C
  ? C extends KeyCall
    ? Omit<C, "key"> & { key?: string }
    : never
  : never;

const set = (value: string, expiry: CallExpiry = "never"): Moves => ({ kind: "set", value, expiry });
const get: Moves = { kind: "get" };
const remove: Moves = { kind: "delete" };
const take: Moves = { kind: "take" };
const expiresIn: Moves = { kind: "expiresIn" };
const touch = (renewForMs: number): Moves => ({ kind: "touch", renewForMs });
const increment: Moves = { kind: "increment", by: 1, expiry: "never" };
const incrementFor = (expiry: number): Moves => ({ kind: "increment", by: 1, expiry });
const setIfAbsent = (value: string, expiry: number | "never" = "never"): Moves => ({
  kind: "setIfAbsent",
  value,
  expiry,
});
const swap = (expected: string, value: string, expiry: CallExpiry = "never"): Moves => ({
  kind: "compareAndSet",
  expected,
  value,
  expiry,
});
const deleteAll: ManyKeysCall = { kind: "deleteAll" };

/** An answer that tells a time. */
const told = (answer: CallAnswer["answer"], leftMs: number | undefined): CallAnswer => ({ answer, leftMs });
const unknown = Symbol("unknown");
const notDone = Symbol("not done");

type Line = readonly [
  caller: number,
  from: number,
  to: number,
  call: Moves | ManyKeysCall,
  answer: CallAnswer["answer"] | CallAnswer | typeof unknown | typeof notDone,
];

function history(lines: readonly Line[]): HistoryEntry[] {
  return lines.map(([caller, startedAt, endedAt, call, answer]) => ({
    caller,
    startedAt,
    endedAt,
    outcome: outcomeOf(answer),
    call: { key: "key", ...call } as HistoryEntry["call"],
  }));
}

function outcomeOf(answer: Line[4]): HistoryEntry["outcome"] {
  if (answer === unknown) return "unknown";
  if (answer === notDone) return "not done";
  return typeof answer === "object" && "leftMs" in answer ? answer : told(answer, undefined);
}

const good: Readonly<Record<string, readonly Line[]>> = {
  "nothing at all": [],
  "one after another": [
    [1, 0, 1, set("a"), undefined],
    [2, 2, 3, get, "a"],
    [1, 4, 5, remove, true],
    [2, 6, 7, get, undefined],
  ],
  "a get beside a set, before it": [
    [1, 0, 3, set("a"), undefined],
    [2, 1, 2, get, undefined],
  ],
  "a get beside a set, after it": [
    [1, 0, 3, set("a"), undefined],
    [2, 1, 2, get, "a"],
  ],
  "two sets beside each other, seen in the other order": [
    [1, 0, 4, set("a"), undefined],
    [2, 1, 5, set("b"), undefined],
    [3, 6, 7, get, "a"],
  ],
  "increments beside each other": [
    [1, 0, 5, increment, told(2, Number.POSITIVE_INFINITY)],
    [2, 1, 4, increment, told(1, Number.POSITIVE_INFINITY)],
    [3, 2, 3, increment, told(3, Number.POSITIVE_INFINITY)],
  ],
  "a touch that would change nothing before a set, and so came after it": [
    [1, 0, 1, set("a", hourMs), undefined],
    [1, 2, 5, set("b", 2 * hourMs), undefined],
    [2, 3, 4, touch(hourMs), true],
    [1, 6, 7, expiresIn, told(true, hourMs)],
  ],
  "a set that was not done": [
    [1, 0, 1, set("a"), notDone],
    [1, 2, 3, get, undefined],
  ],
  "an unknown set that took effect late": [
    [1, 0, 1, set("a"), unknown],
    [2, 2, 3, get, undefined],
    [2, 4, 5, set("b"), undefined],
    [2, 6, 7, get, "b"],
    [2, 8, 9, get, "a"],
  ],
  "an unknown set that never took effect": [
    [1, 0, 1, set("a"), unknown],
    [2, 2, 3, get, undefined],
  ],
  "an unknown set that took effect after a later call of its handle": [
    [1, 0, 9, set("a"), unknown],
    [1, 1, 2, set("b"), undefined],
    [2, 10, 11, get, "b"],
    [2, 12, 13, get, "a"],
  ],
  "an unknown take that took the value": [
    [1, 0, 1, set("a"), undefined],
    [2, 2, 3, take, unknown],
    [1, 4, 5, get, "a"],
    [1, 6, 7, get, undefined],
  ],
  "two unknown increments, of which one counted": [
    [1, 0, 1, increment, unknown],
    [2, 2, 3, increment, unknown],
    [3, 4, 5, increment, told(2, Number.POSITIVE_INFINITY)],
  ],
  "an unknown call that never settled": [
    [1, 0, Number.POSITIVE_INFINITY, set("a"), unknown],
    [2, 1, 2, get, "a"],
  ],
  "a deleteAll beside a set": [
    [1, 0, 5, deleteAll, undefined],
    [2, 1, 2, set("a"), undefined],
    [2, 6, 7, get, "a"],
  ],
  "a deleteAll that deletes a key once more, which was set beside it": [
    [1, 0, 1, set("a"), undefined],
    [1, 2, 9, deleteAll, undefined],
    [2, 3, 4, get, undefined],
    [2, 5, 6, set("b"), undefined],
    [2, 7, 8, get, undefined],
  ],
  "batches that are not atomic": [
    [
      1,
      0,
      9,
      {
        kind: "setMany",
        entries: [
          ["key", "1"],
          ["other", "1"],
        ],
        expiry: "never",
      },
      undefined,
    ],
    [2, 1, 8, { kind: "getMany", keys: ["key", "other"] }, ["1", undefined]],
    [2, 10, 11, { kind: "deleteMany", keys: ["key", "other", "key", "none"] }, 2],
    [2, 12, 13, { kind: "getMany", keys: ["key", "key"] }, [undefined, undefined]],
  ],
  "lives that count down": [
    [1, 0, 1, set("1", hourMs), undefined],
    [2, 2, 3_000, expiresIn, told(true, hourMs - 2_500)],
    [2, 3_001, 3_002, increment, told(2, hourMs - 2_999)],
    [1, 3_003, 3_004, touch(2 * hourMs), true],
    [2, 3_005, 3_006, expiresIn, told(true, 2 * hourMs)],
    [1, 3_007, 3_008, set("b", "keep"), undefined],
    [2, 3_009, 3_010, expiresIn, told(true, 2 * hourMs - 2)],
    [1, 3_011, 3_012, swap("b", "c"), true],
    [2, 3_013, 3_014, expiresIn, told(true, Number.POSITIVE_INFINITY)],
    [1, 3_015, 3_016, touch(2 * hourMs), true],
    [2, 3_017, 3_018, expiresIn, told(true, Number.POSITIVE_INFINITY)],
  ],
  "calls of one handle in their order, all in flight together": [
    [1, 0, 9, set("a"), undefined],
    [1, 1, 8, get, "a"],
    [1, 2, 7, remove, true],
    [1, 3, 6, get, undefined],
  ],
};

const bad: Readonly<Record<string, readonly Line[]>> = {
  "a value that was never set": [[1, 0, 1, get, "a"]],
  "a stale get": [
    [1, 0, 1, set("a"), undefined],
    [1, 2, 3, set("b"), undefined],
    [2, 4, 5, get, "a"],
  ],
  "a lost set": [
    [1, 0, 1, set("a"), undefined],
    [2, 2, 3, get, undefined],
  ],
  "a set that came and went and came": [
    [1, 0, 9, set("a"), undefined],
    [2, 1, 2, get, "a"],
    [2, 3, 4, get, undefined],
  ],
  "two callers who see two sets in two orders": [
    [1, 0, 9, set("a"), undefined],
    [2, 1, 10, set("b"), undefined],
    [3, 2, 3, get, "a"],
    [3, 4, 5, get, "b"],
    [4, 6, 7, get, "a"],
  ],
  "an increment counted twice": [
    [1, 0, 5, increment, told(1, Number.POSITIVE_INFINITY)],
    [2, 1, 4, increment, told(3, Number.POSITIVE_INFINITY)],
  ],
  "two increments that give the same": [
    [1, 0, 5, increment, told(1, Number.POSITIVE_INFINITY)],
    [2, 1, 4, increment, told(1, Number.POSITIVE_INFINITY)],
  ],
  "two setIfAbsent that both win": [
    [1, 0, 5, setIfAbsent("a"), true],
    [2, 1, 4, setIfAbsent("b"), true],
  ],
  "two compareAndSet from one value that both act": [
    [1, 0, 1, set("a"), undefined],
    [1, 2, 6, swap("a", "b"), true],
    [2, 3, 5, swap("a", "c"), true],
  ],
  "a renewal that brings back what was deleted": [
    [1, 0, 1, set("a"), undefined],
    [2, 2, 7, { kind: "touch", renewForMs: hourMs }, true],
    [1, 3, 4, remove, true],
    [1, 8, 9, get, "a"],
  ],
  "calls of one handle out of their order": [
    [1, 0, 9, set("a"), undefined],
    [1, 1, 8, set("b"), undefined],
    [2, 10, 11, get, "a"],
  ],
  "two takes of one value": [
    [1, 0, 1, set("a"), undefined],
    [1, 2, 6, take, "a"],
    [2, 3, 5, take, "a"],
  ],
  "what was deleted is there again": [
    [1, 0, 1, set("a"), undefined],
    [1, 2, 3, remove, true],
    [2, 4, 5, get, undefined],
    [2, 6, 7, get, "a"],
  ],
  "what was not done, done later": [
    [1, 0, 1, set("a"), notDone],
    [2, 2, 3, get, "a"],
  ],
  "an unknown set that took effect before it began": [
    [2, 0, 1, get, "a"],
    [1, 2, 3, set("a"), unknown],
  ],
  "an unknown increment that counted twice": [
    [1, 0, 1, increment, unknown],
    [2, 2, 3, get, "2"],
  ],
  "an unknown set that comes and goes and comes": [
    [1, 0, 1, set("a"), unknown],
    [2, 2, 3, get, "a"],
    [2, 4, 5, remove, true],
    [2, 6, 7, get, "a"],
  ],
  "an expiry that was never set": [
    [1, 0, 1, setIfAbsent("a", hourMs), true],
    [2, 2, 3, expiresIn, told(true, Number.POSITIVE_INFINITY)],
  ],
  "an increment whose expiry comes in a second step": [
    [1, 0, 5, incrementFor(hourMs), told(1, hourMs)],
    [2, 1, 2, expiresIn, told(true, Number.POSITIVE_INFINITY)],
  ],
  "an increment that gives another the wrong expiry": [
    [1, 0, 5, incrementFor(hourMs), told(1, hourMs)],
    [2, 1, 6, incrementFor(2 * hourMs), told(2, 2 * hourMs)],
  ],
  "a touch that renews what was set meanwhile to last for ever": [
    [1, 0, 1, set("a", hourMs), undefined],
    [2, 2, 5, touch(2 * hourMs), true],
    [1, 3, 4, set("b"), undefined],
    [1, 6, 7, expiresIn, told(true, 2 * hourMs)],
  ],
  "more time left than there ever was": [
    [1, 0, 1, set("a", hourMs), undefined],
    [2, 2, 3, expiresIn, told(true, hourMs + 60_000)],
  ],
  "less time left than can have passed": [
    [1, 0, 1, set("a", hourMs), undefined],
    [2, 2, 3, expiresIn, told(true, hourMs - 60_000)],
  ],
  "a deleteAll that misses a key": [
    [1, 0, 1, set("a"), undefined],
    [1, 2, 3, deleteAll, undefined],
    [2, 4, 5, get, "a"],
  ],
  "a deleteAll that deletes after its end": [
    [1, 0, 1, deleteAll, undefined],
    [1, 2, 3, set("a"), undefined],
    [2, 4, 5, get, undefined],
  ],
  "a batch that leaves one out": [
    [
      1,
      0,
      1,
      {
        kind: "setMany",
        entries: [
          ["key", "1"],
          ["other", "1"],
        ],
        expiry: "never",
      },
      undefined,
    ],
    [2, 2, 3, { kind: "getMany", keys: ["key", "other"] }, ["1", undefined]],
  ],
  "a deleteMany that counts one too many": [
    [
      1,
      0,
      1,
      {
        kind: "setMany",
        entries: [
          ["key", "1"],
          ["other", "1"],
        ],
        expiry: "never",
      },
      undefined,
    ],
    [2, 2, 3, { kind: "deleteMany", keys: ["key", "other"] }, 3],
  ],
  "a deleteMany that counts none": [
    [1, 0, 1, set("a"), undefined],
    [2, 2, 3, { kind: "deleteMany", keys: ["key"] }, 0],
  ],
};

/** What explains each planted error. */
const rules: Readonly<Record<string, string>> = {
  "calls of one handle out of their order": "S6",
  "two takes of one value": "A4",
  "an increment counted twice": "A1",
  "two increments that give the same": "A1",
  "two setIfAbsent that both win": "A2",
  "two compareAndSet from one value that both act": "A3",
  "an expiry that was never set": "A2",
  "an increment whose expiry comes in a second step": "A1",
  "a touch that renews what was set meanwhile to last for ever": "T3",
  "a deleteAll that misses a key": "N5",
  "a deleteAll that deletes after its end": "N5",
};

describe("the check of histories", () => {
  test.each(Object.entries(good))("accepts %s", (_, lines) => {
    expect(checkHistory(history(lines))).toEqual({ verdict: "linearizable", key: undefined });
  });

  test.each(Object.entries(bad))("refuses %s", (_, lines) => {
    expect(checkHistory(history(lines)).verdict).toBe("not linearizable");
  });

  test.each(Object.entries(rules))("tells of %s that it breaks %s", (name, rule) => {
    expect(nameBrokenRule(history(bad[name] ?? []), "S1")).toBe(rule);
  });

  test("takes a long history of many callers in its stride", () => {
    const lines = Array.from(
      { length: 240 },
      (_, at): Line => [at % 6, at * 2, at * 2 + 13, increment, told(at + 1, Number.POSITIVE_INFINITY)],
    );
    expect(checkHistory(history(lines)).verdict).toBe("linearizable");
    expect(checkHistory(history([...lines, [7, 1_000, 1_001, get, "239"]])).verdict).toBe("not linearizable");
  });

  test("gives up after so many steps, and says so, but still finds what is wrong with another key", () => {
    // Which of these have counted?
    const hard = Array.from(
      { length: 24 },
      (_, at): Line => [at, at, at, { kind: "increment", by: 2 ** at, expiry: "never" }, unknown],
    );
    const lines: Line[] = [...hard, [99, 100, 101, get, "0.5"]];
    expect(checkHistory(history(lines), { maxSteps: 1_000 })).toEqual({ verdict: "undecided", key: "key" });
    const stale: Line[] = [[1, 0, 1, { ...get, key: "other" }, "1"]];
    expect(checkHistory(history([...lines, ...stale]), { maxSteps: 1_000 })).toEqual({
      verdict: "not linearizable",
      key: "other",
    });
  });

  test("does not decide about entries that may have expired", () => {
    const lines: Line[] = [
      [1, 0, 1, set("a", 1_000), undefined],
      [1, 2_000, 2_001, get, undefined],
    ];
    expect(checkHistory(history(lines)).verdict).toBe("undecided");
  });
});

describe("the check agrees with one that tries every order", () => {
  const key = fc.constantFrom("a", "a", "a", "b");
  const value = fc.constantFrom("1", "2");
  const expiry = fc.constantFrom<number | "never">("never", hourMs, 2 * hourMs);
  const call = fc.oneof<fc.Arbitrary<HistoryEntry["call"]>[]>(
    fc.record({
      kind: fc.constantFrom("get", "get", "exists", "delete", "take", "expiresIn", "expiresIn"),
      key,
    }),
    fc.record({
      kind: fc.constant("set"),
      key,
      value,
      expiry: fc.oneof(expiry, fc.constant("keep" as const)),
    }),
    fc.record({ kind: fc.constant("touch"), key, renewForMs: fc.constantFrom(hourMs, 2 * hourMs) }),
    fc.record({ kind: fc.constant("setIfAbsent"), key, value, expiry }),
    fc.record({ kind: fc.constant("increment"), key, by: fc.constantFrom(1, 2), expiry }),
    fc.record({ kind: fc.constant("compareAndSet"), key, expected: value, value, expiry }),
    fc.record({ kind: fc.constant("deleteAll") }),
  );
  const lifeMs = fc.constantFrom(hourMs, 2 * hourMs);
  const oneKey = fc.constant("a");
  /** Few kinds, so that they meet. */
  const fewKinds = fc.oneof<fc.Arbitrary<HistoryEntry["call"]>[]>(
    fc.record({ kind: fc.constant("set"), key: oneKey, value, expiry: lifeMs }),
    fc.record({ kind: fc.constant("touch"), key: oneKey, renewForMs: lifeMs }),
    fc.record({ kind: fc.constantFrom("expiresIn", "expiresIn", "get"), key: oneKey }),
    fc.record({ kind: fc.constant("deleteAll") }),
  );
  const moment = fc.integer({ min: 0, max: 12 });
  const planned = (kinds: typeof call): fc.Arbitrary<PlannedCall> =>
    fc
      .record({
        caller: fc.integer({ min: 0, max: 2 }),
        call: kinds,
        moments: fc.tuple(moment, moment, moment),
        fate: fc.constantFrom(
          "done",
          "done",
          "done",
          "done",
          "not done",
          "unknown",
          "unknown, done late",
          "lost",
        ),
      })
      .map(({ caller, call: one, moments, fate }) => {
        const [startedAt, effectAt, endedAt] = moments.toSorted((a, b) => a - b) as [number, number, number];
        const whole = { caller, call: one, startedAt, endedAt };
        if (fate === "not done") return { ...whole, effectAt: undefined };
        if (fate === "done") return { ...whole, effectAt };
        return {
          ...whole,
          isUnknown: true,
          effectAt: fate === "lost" ? undefined : fate === "unknown" ? effectAt : effectAt + 5,
        };
      });
  const plan = (kinds: typeof call): fc.Arbitrary<PlannedCall[]> =>
    fc
      .array(planned(kinds), { maxLength: 7, size: "max" })
      .map((calls) => calls.map((one, at) => ({ ...one, ...shifted(one, at / 100) })));
  const answers: readonly CallAnswer[] = [
    told(undefined, undefined),
    told("1", undefined),
    told("3", undefined),
    told(true, undefined),
    told(false, undefined),
    told(true, hourMs),
    told(true, Number.POSITIVE_INFINITY),
    told(1, hourMs),
    told(2, Number.POSITIVE_INFINITY),
  ];

  test.each([
    ["right", 0, call],
    ["right, of few kinds", 0, fewKinds],
    ["broken", 1, call],
    ["broken, of few kinds", 1, fewKinds],
    ["broken twice", 2, call],
  ])("on histories that are %s", { timeout: 60_000 }, (_, changeCount, kinds) => {
    const verdicts = { linearizable: 0, "not linearizable": 0 };
    const change = fc.record({ at: fc.nat(6), answer: fc.constantFrom(...answers) });
    fc.assert(
      fc.property(
        plan(kinds),
        fc.array(change, { minLength: changeCount, maxLength: changeCount }),
        (calls, changes) => {
          const entries = simulate(calls);
          for (const { at, answer } of changes) {
            const entry = entries[at];
            if (entry !== undefined && typeof entry.outcome !== "string" && entry.call.kind !== "deleteAll")
              entries[at] = { ...entry, outcome: answer };
          }
          const byOrders = isLinearizableByBruteForce(entries) ? "linearizable" : "not linearizable";
          verdicts[byOrders] += 1;
          expect(checkHistory(entries).verdict).toBe(byOrders);
        },
      ),
      { numRuns: 3_000, seed: 18 },
    );
    expect(verdicts.linearizable).toBeGreaterThan(500);
    if (changeCount > 0) expect(verdicts["not linearizable"]).toBeGreaterThan(500);
  });
});

/** Later by a little, so that no two calls begin at the same moment. */
function shifted({ startedAt, effectAt, endedAt }: PlannedCall, by: number): Partial<PlannedCall> {
  return {
    startedAt: startedAt + by,
    effectAt: effectAt === undefined ? undefined : effectAt + by,
    endedAt: endedAt + by,
  };
}

describe("a run of 100,000 calls by 8 clients over 1,000 keys", () => {
  const entries = simulate(planLoad(100_000, 8, 1_000, 18));

  test("is checked", { timeout: 60_000 }, () => {
    expect(checkHistory(entries)).toEqual({ verdict: "linearizable", key: undefined });
  });

  test("is refused for one wrong answer", { timeout: 60_000 }, () => {
    const at = entries.findLastIndex(({ call }) => call.kind === "get");
    const planted = entries.map((entry, index) =>
      index === at ? { ...entry, outcome: told("never set", undefined) } : entry,
    );
    const { call } = planted[at] as HistoryEntry;
    expect(checkHistory(planted)).toEqual({ verdict: "not linearizable", key: (call as KeyCall).key });
  });

  test("is checked on one key too, and with unknown outcomes", { timeout: 60_000 }, () => {
    const plan = planLoad(20_000, 8, 1, 19);
    expect(checkHistory(simulate(plan)).verdict).toBe("linearizable");
    const some = plan.map((planned, at) =>
      at % 500 === 0
        ? { ...planned, isUnknown: true, effectAt: at % 1_000 === 0 ? planned.effectAt : undefined }
        : planned,
    );
    expect(checkHistory(simulate(some)).verdict).toBe("linearizable");
  });
});
