import { describe, expect, test } from "vitest";
import { type HistoryEntry, isLinearizable } from "../src/history/linearizability.ts";
import type { KeyCall } from "../src/model/key-call.ts";

const set = (value: string): Moves => ({ kind: "set", value, expiry: "never" });
const get: Moves = { kind: "get" };
const remove: Moves = { kind: "delete" };
const increment: Moves = { kind: "increment", by: 1, expiry: "never" };
const setIfAbsent = (value: string): Moves => ({ kind: "setIfAbsent", value, expiry: "never" });
const swap = (expected: string, value: string): Moves => ({
  kind: "compareAndSet",
  expected,
  value,
  expiry: "never",
});

type Moves = KeyCall extends infer C ? (C extends KeyCall ? Omit<C, "key"> : never) : never;
type Line = readonly [caller: number, from: number, to: number, call: Moves, answer: HistoryEntry["answer"]];

function history(lines: readonly Line[]): HistoryEntry[] {
  return lines.map(([caller, startedAt, endedAt, call, answer]) => ({
    caller,
    startedAt,
    endedAt,
    answer,
    call: { ...call, key: "key" } as KeyCall,
  }));
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
    [1, 0, 5, increment, 2],
    [2, 1, 4, increment, 1],
    [3, 2, 3, increment, 3],
  ],
  "calls of one handle in their order, all under way at once": [
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
    [1, 0, 5, increment, 1],
    [2, 1, 4, increment, 3],
  ],
  "two increments that give the same": [
    [1, 0, 5, increment, 1],
    [2, 1, 4, increment, 1],
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
    [2, 2, 7, { kind: "touch", renewForMs: 1_000 }, true],
    [1, 3, 4, remove, true],
    [1, 8, 9, get, "a"],
  ],
  "calls of one handle out of their order": [
    [1, 0, 9, set("a"), undefined],
    [1, 1, 8, set("b"), undefined],
    [2, 10, 11, get, "a"],
  ],
};

describe("the linearizability check", () => {
  test.each(Object.entries(good))("accepts %s", (_, lines) => {
    expect(isLinearizable(history(lines))).toBe(true);
  });

  test.each(Object.entries(bad))("refuses %s", (_, lines) => {
    expect(isLinearizable(history(lines))).toBe(false);
  });

  test("takes a long history of many callers in its stride", () => {
    const lines = Array.from(
      { length: 240 },
      (_, at): Line => [at % 6, at * 2, at * 2 + 13, increment, at + 1],
    );
    expect(isLinearizable(history(lines))).toBe(true);
    expect(isLinearizable(history([...lines, [7, 1_000, 1_001, get, "239"]]))).toBe(false);
  });
});
