import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CaseRun, caseName } from "./contract/case-result.ts";
import type { Place } from "./contract/contract-case.ts";
import type { Harness } from "./contract/harness.ts";
import { type TestStoreOptions, TestsReport } from "./report/report-tests.ts";
import { KitRun } from "./runner/kit-run.ts";
import { declaredRuns, placesOf } from "./runner/run-cases.ts";
import { unprovenRules } from "./runner/unproven-rules.ts";

/**
 * Registers the whole contract as tests, in one call at the top of a test file. What cannot be proven with such a
 * harness is skipped, and named at the end.
 */
export function testStore(harness: Harness, options: TestStoreOptions = {}): void {
  // What cannot be tried with such a harness is no test at all, but is named at the end.
  const { runs, unproven } = declaredRuns(harness);
  const results = [...unproven];
  const kitRun = new KitRun(harness, options);
  const report = new TestsReport(harness, options, kitRun);

  function register(place: Place, waits: boolean): void {
    for (const run of runs.filter(({ testCase }) => (testCase.waits === true) === waits)) {
      if (run.place === place) registerRun(run);
    }
  }

  function registerRun(run: CaseRun): void {
    // A case that hangs ends by itself, and no other is too slow.
    test(caseName(run.testCase), { timeout: 0 }, async ({ skip }) => {
      const result = await kitRun.tryCase(run);
      results.push(result);
      if (result.outcome === "failed") throw result.error;
      if (result.outcome === "unproven") skip(`not proven: ${result.because}`);
    });
  }

  describe(harness.name, () => {
    beforeAll(() => report.start());

    for (const place of placesOf(harness)) describe(place, () => register(place, false));

    describe.concurrent("while time passes", () => {
      for (const place of placesOf(harness)) describe(place, () => register(place, true));
    });

    afterAll(async () => {
      const { testPath = "" } = expect.getState();
      await report.write(results, "npx vitest run", testPath);
      const lines = unprovenRules(results);
      if (lines.length === 0) return;
      // oxlint-disable-next-line no-console -- what a run does not prove must be seen
      console.warn([`${harness.name}: not proven here`, ...lines].join("\n  "));
    });
  });
}
