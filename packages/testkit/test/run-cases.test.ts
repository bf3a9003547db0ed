import { ContractViolation, type Harness, runCases, unprovenRules } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { keepsExpiry, referenceDriverHarness, referenceStoreHarness } from "./reference-harness.ts";

describe("runCases", () => {
  test("gives a result for each case at each place that the filter lets through", async () => {
    const results = await runCases(referenceDriverHarness, {
      filter: ({ testCase }) => testCase.rule === "A2",
    });
    expect(results.length).toBeGreaterThan(6);
    expect(new Set(results.map(({ place }) => place)).size).toBe(3);
    expect(results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  });

  test("tells the broken rule, what was done, what was expected and what came", async () => {
    const results = await runCases(keepsExpiry, {
      filter: ({ testCase, place }) =>
        testCase.title === "set without options removes the expiry" && place === "at the root",
    });
    expect(results).toHaveLength(1);
    const [result] = results;
    if (result?.outcome !== "failed") throw new Error(`The case ${result?.outcome}, and should have failed.`);
    expect(result.error).toBeInstanceOf(ContractViolation);
    expect(result.error.rule).toBe("T2");
    expect(result.error.message).toBe(
      [
        "T2 set without options removes the expiry (at the root)",
        "rule T2: `set` without options removes an older expiry; `keepExpiry` keeps it. Both together are refused.",
        "expected: expiresIn: Infinity",
        "but got:  3600",
        "what was done:",
        '  store.set("key", "first", { expiresIn: "1h" }) → undefined',
        '  store.set("key", "second", undefined) → undefined',
        '  store.expiresIn("key") → 3600',
      ].join("\n"),
    );
  });

  test("a random run that fails tells its seed, and the seed makes the same run", async () => {
    const first = await failureWithSeed42();
    expect(first).toContain("KV_TESTKIT_SEED=42");
    expect(await failureWithSeed42()).toBe(first);
  });

  test("a case that hangs fails, and says so", async () => {
    const hangs: Harness = {
      ...referenceStoreHarness,
      open: async () => {
        const { store } = await referenceStoreHarness.open();
        store.get = () => new Promise(() => {});
        return { store };
      },
    };
    const [result] = await runCases(hangs, {
      limitMs: 50,
      filter: ({ testCase }) => testCase.title === "an empty value is an entry",
    });
    expect(result).toMatchObject({
      outcome: "failed",
      error: { message: expect.stringContaining("none within 50 ms") },
    });
  });

  test("a harness that cannot open a store is a failed case", async () => {
    const broken: Harness = {
      ...referenceStoreHarness,
      open: () => Promise.reject(new Error("no backend here")),
    };
    const [result] = await runCases(broken, { filter: ({ testCase }) => testCase.rule === "S2" });
    expect(result).toMatchObject({
      outcome: "failed",
      error: { message: expect.stringContaining("no backend here") },
    });
  });

  test("what a harness does not give is unproven, by rule and reason", async () => {
    const results = await runCases(referenceStoreHarness, {
      filter: ({ testCase }) => ["L2", "L4", "S7"].includes(testCase.rule),
    });
    const lines = unprovenRules(results);
    expect(lines).toContain("L4: the harness has no untouched()");
    expect(lines).toContain("S7: the harness has no openImpatient()");
    expect(lines).toContain("L2 (in part): the harness has no openAgain()");
  });
});

async function failureWithSeed42(): Promise<string> {
  const [result] = await runCases(keepsExpiry, {
    seed: 42,
    filter: ({ testCase, place }) =>
      testCase.title.startsWith("any calls, one after") && place === "at the root",
  });
  return result?.outcome === "failed" ? result.error.message : "no failure";
}
