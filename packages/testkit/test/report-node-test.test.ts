import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProofReport } from "@kv/testkit";
import { expect, onTestFinished, test } from "vitest";

const suite = fileURLToPath(new URL("./node-test-suite.ts", import.meta.url));

test("under node:test a report of the tests that ran is written, where one is asked for", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-report-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const pattern = "--test-name-pattern=^T2 ";
  spawnSync(process.execPath, ["--conditions=@kv/source", "--import", "tsx", pattern, "--test", suite], {
    env: { ...env, KV_TESTKIT_RUNS: "5", KV_TESTKIT_SEED: "42", KV_TESTKIT_REPORTS: folder },
  });

  const files = ["under-node-test.json", "under-node-test.md", "under-node-test.svg"];
  expect(readdirSync(folder)).toEqual(files);
  const report = JSON.parse(readFileSync(join(folder, files[0] ?? ""), "utf8")) as ProofReport;
  expect(report).toMatchObject({ name: "under node:test", seed: 42, runs: 5 });
  expect(report.repeat).toMatch(
    /^KV_TESTKIT_SEED=42 KV_TESTKIT_RUNS=5 node --conditions=@kv\/source --import tsx --test .*node-test-suite\.ts$/,
  );
  // What the pattern leaves out was not tried.
  const verdicts = report.rules.map(({ rule, verdict }) => `${rule} ${verdict}`);
  expect(verdicts).toContain("T2 proved in part");
  expect(verdicts).toContain("S1 not proven");
});
