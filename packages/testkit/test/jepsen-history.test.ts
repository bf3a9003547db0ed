import { type HistoryEntry, jepsenHistory } from "@kv/testkit";
import { describe, expect, test } from "vitest";

const nothing = { answer: undefined, leftMs: undefined };

const history: readonly HistoryEntry[] = [
  {
    caller: 0,
    call: { kind: "set", key: 'a "quoted"\n\\ key', value: "1", expiry: 3_600_000 },
    outcome: nothing,
    startedAt: 1_000,
    endedAt: 1_005,
  },
  {
    caller: 0,
    call: { kind: "get", key: "b" },
    outcome: { answer: "é", leftMs: undefined },
    startedAt: 1_001,
    endedAt: 1_002.000001,
  },
  {
    caller: 1,
    call: { kind: "compareAndSet", key: "b", expected: "1", value: "2", expiry: "keep" },
    outcome: { answer: false, leftMs: undefined },
    startedAt: 1_003,
    endedAt: 1_004,
  },
  {
    caller: 1,
    call: { kind: "increment", key: "b", by: 2, expiry: "never" },
    outcome: { answer: 3, leftMs: Number.POSITIVE_INFINITY },
    startedAt: 1_006,
    endedAt: 1_007,
  },
  { caller: 1, call: { kind: "deleteAll" }, outcome: "unknown", startedAt: 1_008, endedAt: 1_009 },
  { caller: 1, call: { kind: "take", key: "b" }, outcome: "not done", startedAt: 1_010, endedAt: 1_011 },
  {
    caller: 0,
    call: { kind: "getMany", keys: ["a", "b"] },
    outcome: { answer: ["1", undefined], leftMs: undefined },
    startedAt: 1_012,
    endedAt: 1_014,
  },
  {
    caller: 0,
    call: { kind: "expiresIn", key: "b" },
    outcome: "unknown",
    startedAt: 1_013,
    endedAt: Number.POSITIVE_INFINITY,
  },
];

describe("a history in Jepsen's form", () => {
  const operations = jepsenHistory(history)
    .trimEnd()
    .split("\n")
    .map((line) => readEdn(line) as Record<string, unknown>);

  test("has every call with its key, arguments and answer", () => {
    const firsts = operations.slice(0, 2);
    expect(firsts).toEqual([
      {
        ":index": 0,
        ":time": 0,
        ":type": ":invoke",
        ":process": 0,
        ":caller": 0,
        ":f": ":write",
        ":key": 'a "quoted"\n\\ key',
        ":expires-in-ms": 3_600_000,
        ":value": "1",
      },
      {
        ":index": 1,
        ":time": 1_000_000,
        ":type": ":invoke",
        ":process": 1,
        ":caller": 0,
        ":f": ":read",
        ":key": "b",
        ":value": null,
      },
    ]);
    const ends = operations.filter((operation) => operation[":type"] !== ":invoke");
    expect(ends.map((end) => [end[":f"], end[":type"], end[":value"]])).toEqual([
      [":read", ":ok", "é"],
      [":cas", ":fail", ["1", "2"]],
      [":write", ":ok", "1"],
      [":increment", ":ok", 3],
      [":delete-all", ":info", null],
      [":take", ":fail", null],
      [":get-many", ":ok", ["1", null]],
    ]);
    expect(ends[3]).toMatchObject({ ":by": 2, ":left-ms": Number.POSITIVE_INFINITY });
    expect(ends[1]).toMatchObject({ ":keep-expiry": true });
  });

  test("counts operations and nanoseconds", () => {
    expect(operations.map((operation) => operation[":index"])).toEqual(operations.map((_, at) => at));
    const times = operations.map((operation) => operation[":time"] as number);
    expect(times).toEqual(times.toSorted((one, two) => one - two));
    expect(times[2]).toBe(2_000_001);
  });

  test("has processes that do one thing at a time, and nothing after an unknown outcome", () => {
    const inFlight = new Set<unknown>();
    const crashed = new Set<unknown>();
    for (const operation of operations) {
      const process = operation[":process"];
      expect(crashed).not.toContain(process);
      if (operation[":type"] === ":invoke") {
        expect(inFlight).not.toContain(process);
        inFlight.add(process);
      } else {
        expect(inFlight).toContain(process);
        inFlight.delete(process);
        if (operation[":type"] === ":info") crashed.add(process);
      }
    }
    expect(inFlight.size).toBe(1); // the call that never settled
  });

  test("of nothing is empty", () => {
    expect(jepsenHistory([])).toBe("");
  });
});

/** Reads one value of EDN, as much of it as there is here. Keywords are read as text with their colon. */
function readEdn(text: string): unknown {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}]|[^\s,[\]{}"]+/g) ?? [];
  let at = 0;
  function read(): unknown {
    const token = tokens[at++] as string;
    if (token === "[" || token === "{") {
      const items: unknown[] = [];
      while (tokens[at] !== "]" && tokens[at] !== "}") items.push(read());
      at += 1;
      if (token === "[") return items;
      const pairs = items.flatMap((name, index) => (index % 2 === 0 ? [[name, items[index + 1]]] : []));
      return Object.fromEntries(pairs) as unknown;
    }
    if (token.startsWith(":")) return token;
    if (token === "nil") return null;
    if (token === "##Inf") return Number.POSITIVE_INFINITY;
    return JSON.parse(token) as unknown;
  }
  const value = read();
  expect(at).toBe(tokens.length);
  return value;
}
