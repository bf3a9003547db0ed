export { contractCases } from "./cases/contract-cases.ts";
export {
  type CaseMeasures,
  type CaseResult,
  type CaseRun,
  ContractViolation,
  caseName,
  type Outcome,
} from "./contract/case-result.ts";
export type {
  CaseContext,
  ContractCase,
  Hook,
  Need,
  Place,
  RunOptions,
  Tally,
} from "./contract/contract-case.ts";
export type { Capability, GoldenData, GoldenEntry, Harness, Opened, Recover } from "./contract/harness.ts";
export { type RuleId, rules } from "./contract/rules.ts";
export { type Checkpoint, type TestClock } from "./contract/test-clock.ts";
export { type CheckHistoryOptions, checkHistory, type HistoryCheck } from "./history/check-history.ts";
export type { HistoryEntry } from "./history/history-entry.ts";
export { jepsenHistory } from "./history/jepsen-history.ts";
export type { CallExpiry, KeyCall } from "./model/key-call.ts";
export type { CallAnswer, ManyKeysCall, StoreCall } from "./model/store-call.ts";
export { findCommit } from "./report/environment.ts";
export {
  type About,
  createReport,
  type ProofReport,
  type ReportedFailure,
  type ReportedGap,
  type ReportMeasures,
  type ReportParts,
  type ReportTotals,
  type RuleReport,
  type Verdict,
} from "./report/proof-report.ts";
export { type ProveOptions, prove } from "./report/prove.ts";
export { reportBadge } from "./report/report-badge.ts";
export { reportMarkdown } from "./report/report-markdown.ts";
export type { TestStoreOptions } from "./report/report-tests.ts";
export { writeReport } from "./report/write-report.ts";
export { runCase } from "./runner/run-case.ts";
export { caseRuns, type RunCasesOptions, runCases } from "./runner/run-cases.ts";
export { unprovenRules } from "./runner/unproven-rules.ts";
