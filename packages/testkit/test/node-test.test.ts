import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const suite = fileURLToPath(new URL("./node-test-suite.ts", import.meta.url));

function run(environment: Readonly<Record<string, string>>): {
  readonly status: number | null;
  readonly tap: string;
} {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--conditions=@kv/source", "--import", "tsx", "--test-reporter=tap", "--test", suite],
    { encoding: "utf8", env: { ...env, KV_TESTKIT_RUNS: "5", ...environment }, maxBuffer: 2 ** 26 },
  );
  return { status, tap: stdout };
}

describe("under node:test", () => {
  test("a right store passes, and what is not proven is skipped and told", { timeout: 300_000 }, () => {
    const { status, tap } = run({});
    expect(tap).toMatch(/# fail 0/);
    expect(tap).toMatch(/# skipped [1-9]/);
    expect(tap).toContain("under node:test: not proven: L4: the harness has no untouched()");
    expect(status).toBe(0);
  });

  test("a broken store fails by the case of its rule", { timeout: 300_000 }, () => {
    const { status, tap } = run({ BREAK: "exists" });
    expect(tap).toMatch(/not ok \d+ - S2 every operation on what is not there says so, and is no error/);
    expect(status).toBe(1);
  });
});
