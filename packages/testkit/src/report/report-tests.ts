import { time } from "@kv/core/driver";
import type { CaseResult } from "../contract/case-result.ts";
import type { RunOptions } from "../contract/contract-case.ts";
import type { Harness } from "../contract/harness.ts";
import { randomRuns } from "../model/random-runs.ts";
import type { KitRun } from "../runner/kit-run.ts";
import { realMs } from "../support/real-time.ts";
import { findCommit, findVersions } from "./environment.ts";
import { type About, createReport } from "./proof-report.ts";
import { writeReport } from "./write-report.ts";

/** The options of `testStore`. */
export interface TestStoreOptions extends RunOptions {
  /**
   * The folder into which a report is written at the end: see `writeReport`. Default: `KV_TESTKIT_REPORTS` from the
   * environment, or none, and nothing is written.
   */
  readonly report?: string | undefined;
  /** The library that the harness speaks for, for the report. */
  readonly about?: About | undefined;
}

/** Writes the report of the tests of a harness, where one is asked for. */
export class TestsReport {
  readonly #harness: Harness;
  readonly #options: TestStoreOptions;
  readonly #kitRun: KitRun;
  #startedMs = 0;

  constructor(harness: Harness, options: TestStoreOptions, kitRun: KitRun) {
    this.#harness = harness;
    this.#options = options;
    this.#kitRun = kitRun;
  }

  /** Marks the moment at which the tests begin. */
  start(): void {
    this.#startedMs = realMs();
  }

  /**
   * Writes the report.
   *
   * @param runner the command that runs a file of tests
   */
  async write(results: readonly CaseResult[], runner: string, file: string): Promise<void> {
    const folder = this.#options.report ?? process.env["KV_TESTKIT_REPORTS"];
    if (folder === undefined || folder === "") return;
    const { relative } = await import("node:path");
    const { seed, runs } = randomRuns(this.#kitRun.options);
    const report = createReport(results, {
      seed,
      runs,
      harness: this.#harness,
      versions: await findVersions(this.#harness),
      commit: await findCommit(process.cwd()),
      about: this.#options.about,
      repeat: `KV_TESTKIT_SEED=${seed} KV_TESTKIT_RUNS=${runs} ${runner} ${relative(process.cwd(), file)}`,
      dateMs: time.wallMs(),
      durationMs: realMs() - this.#startedMs,
    });
    await writeReport(report, folder);
  }
}
