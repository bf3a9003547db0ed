import { time } from "@kv/core/driver";
import type { Harness } from "../contract/harness.ts";
import { randomRuns } from "../model/random-runs.ts";
import { type RunCasesOptions, runCases } from "../runner/run-cases.ts";
import { realMs } from "../support/real-time.ts";
import { findVersions } from "./environment.ts";
import { createReport, type ProofReport } from "./proof-report.ts";

/** The options of `prove`. */
export interface ProveOptions
  extends RunCasesOptions,
    Partial<Pick<ProofReport, "about" | "commit" | "repeat">> {}

/**
 * Runs the contract, as `runCases` does, and reports what it has proved. Never rejects because of a store.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { prove } from "@kv/testkit";
 *
 * const { totals } = await prove({
 *   name: "memory",
 *   capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
 *   open: () => ({ store: memoryStore() }),
 * });
 * console.log(`${totals.proved} of ${totals.rules} rules proved`);
 * ```
 */
export async function prove(harness: Harness, options: ProveOptions = {}): Promise<ProofReport> {
  const startedMs = realMs();
  const random = randomRuns(options);
  const results = await runCases(harness, { ...options, ...random });
  return createReport(results, {
    ...random,
    harness,
    versions: await findVersions(harness),
    commit: options.commit,
    about: options.about,
    repeat: options.repeat,
    dateMs: time.wallMs(),
    durationMs: realMs() - startedMs,
  });
}
