import { readFileSync } from "node:fs";
import { caseName, caseRuns, contractCases, rules } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { referenceDriverHarness } from "./reference-harness.ts";

const contract = readFileSync(new URL("../../../CONTRACT.md", import.meta.url), "utf8");
const sentences = new Map(
  Array.from(contract.matchAll(/^- ([A-Z]\d+) (.+)$/gm), ([, rule = "", sentence = ""]) => [rule, sentence]),
);

describe("the cases", () => {
  test.each([...sentences.keys()])("rule %s of CONTRACT.md has a case", (rule) => {
    expect(contractCases.map((each): string => each.rule)).toContain(rule);
  });

  test("the rules are those of CONTRACT.md, in its words", () => {
    expect(sentences.size).toBeGreaterThan(30);
    const { capabilities: _, ...numbered } = rules;
    expect(numbered).toEqual(Object.fromEntries(sentences));
  });

  test("no two cases have the same name", () => {
    const names = contractCases.map(caseName);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  test("each case that is not for the root only runs at the root, in a namespace and in a nested one", () => {
    const runs = caseRuns(referenceDriverHarness);
    const everywhere = contractCases.filter(({ rootOnly }) => rootOnly !== true);
    expect(everywhere.length).toBeGreaterThan(150);
    expect(runs).toHaveLength(contractCases.length + 2 * everywhere.length);
  });
});
