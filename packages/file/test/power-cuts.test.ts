import { rmSync } from "node:fs";
import { soak } from "@kv/test-support";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { Durability } from "../src/ownership/environment.ts";
import { randomOf } from "./crash-states.ts";
import { survives, type Tally } from "./power-cuts.ts";
import { type Scenario, type Step, scenarios } from "./power-scenarios.ts";
import type { Mutation } from "./recorded-disk.ts";
import { newParent } from "./temporary.ts";

const sample = soak ? { runs: 1_000, cuts: 10 } : { runs: 12, cuts: 4 };

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe("S7 a power cut", () => {
  test.each<[Durability, string]>([
    ["full", "all that was acknowledged is there, and nothing is damaged"],
    ["file", "each value is a whole one that was once set"],
    ["none", "each value is a whole one that was once set, or told of as damaged"],
  ])("durability %s: %s; the next calls work", { timeout: 3_600_000 }, async (durability) => {
    const tally: Tally = { cuts: 0, keys: 0, corrupt: 0 };
    await fc.assert(
      fc.asyncProperty(scenarios, fc.integer(), (scenario, seed) => {
        const random = randomOf(seed);
        return survives(scenario, { durability, parent, random, cuts: sample.cuts }, tally);
      }),
      { numRuns: sample.runs, includeErrorInReport: true },
    );
    expect(tally.cuts).toBe(sample.runs * sample.cuts);
    if (soak) {
      // oxlint-disable-next-line no-console -- the result of a soak is to be written down
      console.info(
        `durability ${durability}: ${tally.cuts} power cuts, ${tally.keys} keys looked at, ${tally.corrupt} told of as damaged`,
      );
    }
  });
});

const step: Step = {
  call: "set",
  store: 0,
  path: 1,
  key: "one",
  length: 20,
  hours: 1,
  back: 1,
  pause: "all",
};
const set = step;
const setOfAnother: Step = { ...step, store: 1 };

describe("S7 durability full makes last", () => {
  test.each<[string, Scenario]>([
    ["the directories that lead to a new store", { disk: "local", steps: [set] }],
    [
      "a folder that another store has removed when it was empty, and that is made again",
      {
        disk: "local",
        steps: [set, { ...step, call: "delete" }, { ...step, call: "deleteExpired", store: 1 }, set],
      },
    ],
    ["a set after a set of another store", { disk: "network", steps: [setOfAnother, set] }],
  ])("%s", async (_, scenario) => {
    await survives(scenario, { ...many, durability: "full" }, noTally());
  });
});

describe("the check of power cuts finds", () => {
  test.each<[Mutation, Durability, RegExp]>([
    ["no sync of files", "full", /is damaged/],
    ["no sync of files", "file", /is damaged/],
    ["no sync of directories", "full", /is nothing, and should be value 1/],
    ["rename before the sync of the file", "full", /is damaged/],
    ["rename before the sync of the file", "file", /is damaged/],
  ])("%s, with durability %s", async (mutation, durability, broken) => {
    const scenario: Scenario = { disk: "local", steps: [{ ...set, length: 5_000 }] };
    const found = survives(scenario, { ...many, cuts: 400, durability, mutation }, noTally());
    await expect(found).rejects.toThrow(broken);
  });
});

const many = { parent, random: randomOf(1), cuts: 40 };

function noTally(): Tally {
  return { cuts: 0, keys: 0, corrupt: 0 };
}
