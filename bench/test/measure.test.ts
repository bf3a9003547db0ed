import { expect, test } from "vitest";
import { outcomeOf } from "../src/goals.ts";
import type { Line } from "../src/line.ts";
import { compare, ratioOf } from "../src/measure.ts";
import { calling, preparing } from "../src/work.ts";

test("a ratio is of the same round, so that what slows a round down changes nothing", async () => {
  let round = 0;
  const contenders = [
    { name: "bare", rate: async () => 100 / (1 + Math.floor(round++ / 2)) },
    { name: "twice", rate: async () => 200 / (1 + Math.floor(round++ / 2)) },
  ];
  const ratios = await compare(contenders, 7);
  expect(ratios["bare"]).toEqual({ median: 1, low: 1, high: 1 });
  expect(ratios["twice"]).toEqual({ median: 2, low: 2, high: 2 });
});

test("everyone begins a round as often as the others", async () => {
  const firsts: string[] = [];
  let asked = 0;
  const contenders = ["a", "b", "c"].map((name) => ({
    name,
    async rate() {
      if (asked % 3 === 0) firsts.push(name);
      asked += 1;
      return 1;
    },
  }));
  await compare(contenders, 12);
  for (const name of ["a", "b", "c"]) {
    expect(firsts.filter((first) => first === name)).toHaveLength(4);
  }
});

test("the median and the quartiles lie between the numbers next to them", () => {
  expect(ratioOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1.75, high: 3.25 });
  expect(ratioOf([5])).toEqual({ median: 5, low: 5, high: 5 });
});

test("so many calls are in flight in flight, and each is made once", async () => {
  const seen = new Set<number>();
  let inFlight = 0;
  let most = 0;
  let calls = 0;
  const work = calling(
    async (at) => {
      seen.add(at);
      calls += 1;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
    },
    8,
    5,
  );
  expect(await work()).toBeGreaterThan(0);
  expect(most).toBe(8);
  expect(calls).toBe(seen.size);
});

test("what a call is prepared with does not count", async () => {
  const order: string[] = [];
  const rate = await preparing(
    async () => order.push("prepared"),
    () => order.push("called"),
  )();
  expect(order).toEqual(["prepared", "called"]);
  expect(rate).toBeGreaterThan(0);
});

test("a goal is held against the best of the others", () => {
  const where = { operation: "get hit", size: "100 B", concurrency: 256 } as const;
  const at = (median: number): Line["ratios"][string] => ({ median, low: median, high: median });
  const line: Line = { ...where, ratios: { bare: at(1), ours: at(6), slow: at(0.5), quick: at(3) } };
  const goal = { ...where, others: ["slow", "quick"], least: 2 };
  expect(outcomeOf(goal, "ours", [line]).reached).toBe(2);
});
