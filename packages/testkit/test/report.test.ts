import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CaseResult,
  type ContractCase,
  ContractViolation,
  contractCases,
  createReport,
  findCommit,
  type Harness,
  type ProofReport,
  type ProveOptions,
  prove,
  type RuleId,
  type RuleReport,
  reportBadge,
  reportMarkdown,
  rules,
  runCases,
  writeReport,
} from "@kv/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { ExpectationError } from "../src/contract/expectation-error.ts";
import { fileNameOf } from "../src/report/write-report.ts";
import { keepsExpiry, referenceStoreHarness } from "./reference-harness.ts";

/** A reference whose `exists` never answers. */
const hangs: Harness = {
  ...referenceStoreHarness,
  name: "hangs",
  open: async () => {
    const { store } = await referenceStoreHarness.open();
    store.exists = () => new Promise(() => {});
    return { store };
  },
};

const only = (...wanted: RuleId[]): ProveOptions => ({
  seed: 42,
  runs: 5,
  filter: ({ testCase }) => wanted.includes(testCase.rule),
});

const parts = { seed: 42, runs: 5, versions: {}, dateMs: Date.UTC(2026, 0, 2, 3, 4), durationMs: 1234 };

function ruleOf(report: ProofReport, rule: RuleId): RuleReport {
  const found = report.rules.find((each) => each.rule === rule);
  if (found === undefined) throw new Error(`The report has no rule ${rule}.`);
  return found;
}

describe("createReport", () => {
  const results = runCases(referenceStoreHarness, { seed: 42, runs: 5 });
  const firstOf = async (rule: RuleId): Promise<CaseResult> => {
    const found = (await results).find(
      ({ testCase, outcome }) => testCase.rule === rule && outcome === "passed",
    );
    if (found === undefined) throw new Error(`No case of ${rule} passed.`);
    return found;
  };
  const replaced = async (old: CaseResult, by: CaseResult): Promise<ProofReport> => {
    const others = (await results).map((each) => (each === old ? by : each));
    return createReport(others, { ...parts, harness: referenceStoreHarness });
  };

  test("has every rule of the contract, in its order and words, and its numbers add up", async () => {
    const report = createReport(await results, { ...parts, harness: referenceStoreHarness });
    expect(report.rules.map(({ rule, text }) => [rule, text])).toEqual(Object.entries(rules));
    expect(report).toMatchObject({ format: 1, name: "reference store", date: "2026-01-02T03:04:00.000Z" });
    const { totals, measures } = report;
    expect(totals.proved + totals.provedInPart + totals.broken + totals.notProven).toBe(totals.rules);
    expect(totals.passed + totals.failed + totals.unproven).toBe(totals.cases);
    expect(totals.cases).toBe(contractCases.length); // without namespaces there is one place
    expect(totals).toMatchObject({ failed: 0, broken: 0 });
    expect(measures.calls).toBeGreaterThan(1000);
    expect(measures.longestCallMs).toBeGreaterThanOrEqual(0);
  });

  test("a rule is proved where all its cases passed, in part where some could not be tried", async () => {
    const report = createReport(await results, { ...parts, harness: referenceStoreHarness });
    expect(ruleOf(report, "T4")).toMatchObject({ verdict: "proved", failures: [], unproven: [] });
    const inPart = ruleOf(report, "L2");
    expect(inPart.verdict).toBe("proved in part");
    expect(inPart.unproven).toContainEqual(
      expect.objectContaining({ because: "the harness has no openAgain()", place: "at the root" }),
    );
    expect(ruleOf(report, "N1")).toMatchObject({ verdict: "not proven", passed: 0 });
  });

  test("a case without a result was not tried, and its rule is not proved", async () => {
    const { testCase } = await firstOf("T4");
    const some = (await results).filter((each) => each.testCase !== testCase);
    const report = createReport(some, { ...parts, harness: referenceStoreHarness });
    expect(ruleOf(report, "T4")).toMatchObject({
      verdict: "proved in part",
      unproven: [{ case: `T4 ${testCase.title}`, because: "not tried in this run" }],
    });
    const nothing = createReport([], { ...parts, harness: referenceStoreHarness });
    expect(nothing.totals).toMatchObject({ proved: 0, provedInPart: 0, broken: 0, passed: 0 });
    expect(nothing.totals.unproven).toBe(nothing.totals.cases);
  });

  test("a failure counts against the rule that it names, and leaves that of its case open", async () => {
    const passed = await firstOf("T4");
    const { testCase, place, measures } = passed;
    const error = new ContractViolation(passed, new ExpectationError("x", "y", { rule: "S3" }), []);
    const report = await replaced(passed, { testCase, place, measures, outcome: "failed", error });
    expect(ruleOf(report, "S3")).toMatchObject({
      verdict: "broken",
      failures: [{ case: `T4 ${testCase.title}`, place, message: error.message }],
    });
    expect(ruleOf(report, "T4")).toMatchObject({
      verdict: "proved in part",
      failures: [],
      unproven: [{ because: "a failure of S3 ended the case" }],
    });
    expect(report.totals).toMatchObject({ broken: 1, failed: 1 });
  });

  test("a history that stayed undecided is never proved", async () => {
    const passed = await firstOf("T4");
    const measures = { ...passed.measures, histories: 25, undecidedHistories: 2 };
    const report = await replaced(passed, { ...passed, measures });
    expect(ruleOf(report, "T4")).toMatchObject({
      verdict: "proved in part",
      unproven: [{ because: "of 25 recorded histories, 2 stayed undecided" }],
    });
    expect(report.measures.undecidedHistories).toBe(2);
    expect(report.totals.failed).toBe(0);
  });

  test("cases can be told apart by their names", () => {
    const names = contractCases.map(({ rule, title }: ContractCase) => `${rule} ${title}`);
    expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
  });
});

describe("prove", () => {
  test("names versions, seed, runs and commit, and calls back with each result", async () => {
    const tried: string[] = [];
    const harness: Harness = { ...referenceStoreHarness, versions: { server: "7.0.15" } };
    const report = await prove(harness, {
      ...only("R1", "R2"),
      commit: "abc",
      onResult: ({ testCase, outcome }) => tried.push(`${testCase.rule} ${outcome}`),
    });
    expect(report).toMatchObject({
      seed: 42,
      runs: 5,
      commit: "abc",
      capabilities: [],
      places: ["at the root"],
      repeat: "await prove(harness, { seed: 42, runs: 5 });",
      versions: {
        "@kv/testkit": expect.stringMatching(/^\d+\.\d+\.\d+/),
        "@kv/core": expect.stringMatching(/^\d+\.\d+\.\d+/),
        Node: process.versions.node,
        server: "7.0.15",
      },
    });
    const { passed } = report.totals;
    expect(tried.filter((each) => each.endsWith(" passed"))).toHaveLength(passed);
    expect(new Set(tried)).toEqual(new Set(["R1 passed", "R1 unproven", "R2 passed"]));
    expect(Math.abs(Date.now() - Date.parse(report.date))).toBeLessThan(600_000);
  });

  test("of a broken store says which rule, with what was done", async () => {
    const report = await prove(keepsExpiry, only("T2"));
    const { verdict, failures, passed } = ruleOf(report, "T2");
    expect(verdict).toBe("broken");
    expect(passed).toBeGreaterThan(10);
    expect(failures[0]?.message).toContain('store.set("key", "second", undefined) → undefined');
    expect(report.totals).toMatchObject({ broken: 1, proved: 0 });
  });

  test("of a store that hangs names what is left as not proven", async () => {
    const report = await prove(hangs, { ...only("S2", "S4", "T1", "T2", "T3"), limitMs: 50 });
    expect(report.totals.failed).toBe(3);
    const because = "3 cases hung before it, and the run was ended";
    const { verdict, unproven } = ruleOf(report, "T3");
    expect(verdict).not.toBe("proved");
    expect(unproven).toContainEqual(expect.objectContaining({ because }));
    expect(reportMarkdown(report)).toContain(`| ${because} |`);
  });
});

describe("reportMarkdown", () => {
  test("a reader sees the verdict, why something is open, the numbers, and how to repeat it", async () => {
    const results = await runCases(referenceStoreHarness, { seed: 42, runs: 5 });
    const page = reportMarkdown(
      createReport(results, {
        ...parts,
        harness: referenceStoreHarness,
        versions: { "@kv/testkit": "1.2.3", Node: "20.1.0" },
        commit: "0123456789abcdef-dirty",
        repeat: "KV_TESTKIT_SEED=42 npx vitest run",
      }),
    );
    expect(page).toMatch(
      /^# reference store: \d+ of 35 rules proved, \d+ in part\n\n\*\*No rule was broken\.\*\* /,
    );
    expect(page).toContain(
      "on 2026-01-02 at 03:04 UTC, at commit `0123456789ab` with changes that are not committed: @kv/testkit 1.2.3, Node 20.1.0.",
    );
    expect(page).toContain("| rule |  | cases passed | in short |\n| --- | --- | --- | --- |\n");
    expect(page).toMatch(
      /^\| T4 \| ✓ proved \| \d+ \| `expiresIn` counts down, .*; `undefined` where there is none\. \|$/m,
    );
    expect(page).toMatch(/^\| L2 \| ◐ in part \| \d+ of \d+ \| /m);
    expect(page).toMatch(/^\| the harness has no untouched\(\) \| L4 \| 1 \|$/m);
    expect(page).toMatch(/^\| the harness has no openAgain\(\) \| .*L2 in part.* \| \d+ \|$/m);
    expect(page).toMatch(/^\| cases \| \d+ passed, 0 failed, \d+ unproven \|$/m);
    expect(page).toContain("| seed | 42, 5 random runs of each kind |\n| took | 1.2 s |\n");
    expect(page).toContain("```\nKV_TESTKIT_SEED=42 npx vitest run\n```\n");
    expect(page).not.toContain("What is broken");
  });

  test("of a library of somebody else's it names that library's own words beside ours", async () => {
    const page = reportMarkdown(
      await prove(keepsExpiry, {
        ...only("T2"),
        about: {
          name: "Cache",
          version: "3.1.0",
          promises: { T2: "set leaves the ttl | as it is" },
          notes: ["Each call is the nearest that it has."],
        },
      }),
    );
    expect(page).toMatch(
      /^# keepsExpiry: 1 rule broken\n\n\*\*Broken: T2\.\*\* 0 of the 35 rules are proved\./,
    );
    expect(page).toContain("Tested is Cache 3.1.0, through an adapter.");
    expect(page).toContain("\n- Each call is the nearest that it has.\n");
    expect(page).toContain("| the words of Cache |");
    expect(page).toMatch(
      /^\| T2 \| ✗ \*\*broken\*\* \| \d+ of \d+ \| .* \| set leaves the ttl \\\| as it is \|$/m,
    );
    expect(page).toContain(
      "### T2\n\n````text\nT2 set without options removes the expiry (at the root)\nrule T2: ",
    );
    expect(page).not.toContain("undefined |");
  });
});

describe("reportBadge", () => {
  test.each([
    [{ rules: 35, proved: 35, provedInPart: 0, broken: 0 }, "35 of 35 rules proved", "#2e7d32"],
    [{ rules: 35, proved: 20, provedInPart: 12, broken: 0 }, "20 of 35 rules proved, 12 in part", "#2e7d32"],
    [{ rules: 35, proved: 20, provedInPart: 12, broken: 1 }, "1 rule broken", "#c62828"],
    [{ rules: 35, proved: 0, provedInPart: 0, broken: 0 }, "0 of 35 rules proved", "#616161"],
  ])("of %j says %s", async (totals, message, colour) => {
    const report = createReport([], { ...parts, harness: referenceStoreHarness });
    const svg = reportBadge({ ...report, totals: { ...report.totals, ...totals } });
    expect(svg).toContain(`<title>contract: ${message}</title>`);
    expect(svg).toContain(`role="img" aria-label="contract: ${message}"`);
    expect(svg).toContain(`fill="${colour}"`);
    expect(svg).not.toMatch(/href|url\((?!#)|@import|<style|<script/);
    expect(openTagsOf(svg)).toEqual([]);
  });
});

describe("writeReport", () => {
  test("writes JSON, Markdown and a badge that are one another's", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kv-report-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const report = await prove(referenceStoreHarness, only("R2"));
    const files = await writeReport(report, join(folder, "new/reports"));
    expect(files.map((file) => file.replace(folder, ""))).toEqual(
      ["json", "md", "svg"].map((extension) => `/new/reports/reference-store.${extension}`),
    );
    expect(await readdir(join(folder, "new/reports"))).toHaveLength(3);
    const [json = "", md = "", svg = ""] = await Promise.all(files.map((file) => readFile(file, "utf8")));
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(report)));
    expect(md).toBe(reportMarkdown(report));
    expect(svg).toBe(reportBadge(report));
  });

  test.each([
    ["memoryStore", "memory-store"],
    ["redisStore({ url })", "redis-store-url"],
    ["Keyv 5.6.0, on Redis", "keyv-5.6.0-on-redis"],
    ["../../etc/passwd", "etc-passwd"],
    ["Größe", "größe"],
    ["(:", "store"],
  ])("%s is named %s", (name, file) => {
    expect(fileNameOf(name)).toBe(file);
  });
});

test("findCommit finds the commit of a folder, and nothing where there is none", async () => {
  expect(await findCommit(import.meta.dirname)).toMatch(/^[0-9a-f]{40}(-dirty)?$/);
  expect(await findCommit("/")).toBeUndefined();
});

/** Returns the tags of a document that are opened and not closed, or closed in another order: none, where it is well-formed. */
function openTagsOf(xml: string): string[] {
  const open: string[] = [];
  for (const [, closing, name = "", selfClosing] of xml.matchAll(
    /<(\/?)(\w+)(?: [\w:-]+="[^"<>&]*")*(\/?)>/g,
  )) {
    if (closing === "") {
      if (selfClosing === "") open.push(name);
    } else if (open.pop() !== name) return [`</${name}>`];
  }
  return xml.replaceAll(/<[^<>]*>/g, "").match(/[<>&]/) === null ? open : ["a stray character"];
}
