import { after, before, describe, test } from "node:test";
import { caseName } from "./contract/case-result.ts";
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
      if (run.place !== place) continue;
      void test(caseName(run.testCase), async (context) => {
        const result = await kitRun.tryCase(run);
        results.push(result);
        if (result.outcome === "failed") throw result.error;
        if (result.outcome === "unproven") context.skip(`not proven: ${result.because}`);
      });
    }
  }

  // What is registered here, the runner awaits.
  void describe(harness.name, () => {
    before(() => report.start());
    after(() => report.write(results, nodeTest(process.execArgv), process.argv[1] ?? ""));

    for (const place of placesOf(harness)) void describe(place, () => register(place, false));

    void describe("while time passes", { concurrency: true }, () => {
      for (const place of placesOf(harness)) {
        void describe(place, { concurrency: true }, () => register(place, true));
      }
    });

    void test("what is not proven here", (context) => {
      for (const line of unprovenRules(results)) context.diagnostic(`${harness.name}: not proven: ${line}`);
    });
  });
}

/** Returns the command that runs a file of tests as this process was started. */
function nodeTest(options: readonly string[]): string {
  return ["node", ...options.filter((option) => !option.startsWith("--test")), "--test"].join(" ");
}
