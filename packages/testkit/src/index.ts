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
export { runCase } from "./runner/run-case.ts";
export { caseRuns, type RunCasesOptions, runCases } from "./runner/run-cases.ts";
export { unprovenRules } from "./runner/unproven-rules.ts";
