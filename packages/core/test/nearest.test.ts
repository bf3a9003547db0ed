import { nearest } from "@kv/core/driver";
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
  ["g".repeat(100_000), undefined],
])("%.20s is nearest to %s", (word, meant) => {
  expect(nearest(word, commands)).toBe(meant);
});

test("of two that are equally near the first is meant", () => {
  expect(nearest("bet", ["set", "get"])).toBe("set");
});
