import { nearest } from "@kv/core/driver";
import fc from "fast-check";
import { expect, test } from "vitest";

const commands = ["get", "set", "delete", "delete-all", "delete-expired", "keys", "ttl", "copy"];

test.each([
  ["gte", "get"], // two letters swapped
  ["gett", "get"],
  ["gt", undefined], // half of it would be wrong
  ["GET", "get"],
  ["delet", "delete"],
  ["delete-al", "delete-all"],
  ["deleteall", "delete-all"],
  ["delete-expierd", "delete-expired"],
  ["key", "keys"],
  ["tll", "ttl"],
  ["cpoy", "copy"],
  ["frobnicate", undefined],
  ["x", undefined],
  ["", undefined],
])("%j is nearest to %s", (word, meant) => {
  expect(nearest(word, commands)).toBe(meant);
});

test("a word may be of any length", () => {
  expect(nearest("g".repeat(100_000), commands)).toBeUndefined();
});

test("of two that are equally near the first is meant", () => {
  expect(nearest("bet", ["set", "get"])).toBe("set");
});

/** The fewest letters to add, remove, replace or swap with the next one. */
function edits(from: string, to: string): number {
  if (from === "" || to === "") return from.length + to.length;
  const isSwapped = to.length > 1 && from[0] === to[1] && from[1] === to[0];
  return Math.min(
    edits(from.slice(1), to) + 1,
    edits(from, to.slice(1)) + 1,
    edits(from.slice(1), to.slice(1)) + (from[0] === to[0] ? 0 : 1),
    isSwapped ? edits(from.slice(2), to.slice(2)) + 1 : Number.POSITIVE_INFINITY,
  );
}

test("a word is near enough where no more than a third of its letters are wrong", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
  fc.assert(
    fc.property(word, word, (from, to) => {
      expect(nearest(from, [to]) === to).toBe(edits(from, to) <= from.length / 3);
    }),
    { numRuns: 1_000 },
  );
});
