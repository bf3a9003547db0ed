import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

// Whatever a store does, the run goes to its end and its results are there.

interface Summary {
  readonly cases: number;
  readonly failed: number;
  readonly hung: number;
  readonly notTried: number;
  /** The number of promises that rejected and that nobody handled. */
  readonly unhandled: number;
  /** The messages of failures outside of calls. */
  readonly background: readonly string[];
}

const program = fileURLToPath(new URL("./broken-store-process.ts", import.meta.url));

function runOn(broken: string): Summary {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=@kv/source", "--import", "tsx", program, broken],
    { encoding: "utf8", maxBuffer: 2 ** 26 },
  );
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Summary;
}

describe("a store that", () => {
  test.concurrent.each([
    "rejects every call",
    "rejects every third call",
    "throws synchronously",
    "resolves with nothing",
    "resolves with rubbish",
    "gives no promise",
  ])("%s fails case by case, and no promise of the kit's own is left alone", { timeout: 0 }, (broken) => {
    const { cases, failed, notTried, unhandled } = runOn(broken);
    expect(cases).toBeGreaterThan(150);
    expect(failed).toBeGreaterThan(50);
    expect(notTried).toBe(0);
    expect(unhandled).toBe(0);
  });

  test("hangs ends the run after a few cases, and what was left is not proven", { timeout: 0 }, () => {
    const { cases, failed, hung, notTried } = runOn("hangs");
    expect(hung).toBeGreaterThanOrEqual(3);
    expect(notTried).toBeGreaterThan(50);
    expect(failed + notTried).toBeLessThanOrEqual(cases);
  });

  test.each(["rejects once more in the background", "throws in a timer"])(
    "%s fails a case in place of ending the process",
    { timeout: 0 },
    (broken) => {
      const { background } = runOn(broken);
      expect(background.length).toBeGreaterThan(0);
      expect(background[0]).toContain("rule L3");
    },
  );
});
