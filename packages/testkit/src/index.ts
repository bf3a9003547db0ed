export { BrokenRule, type CaseResult, type CaseRun, caseName, type Outcome } from "./case-result.ts";
export { contractCases } from "./cases/contract-cases.ts";
export type { CaseContext, ContractCase, Hook, Need, Place, RunOptions } from "./contract-case.ts";
export type { Capability, GoldenData, GoldenEntry, Harness, Heal, Opened } from "./harness.ts";
export { type Mark, type Passing } from "./passing.ts";
export { type RuleId, rules } from "./rules.ts";
export { runCase } from "./run-case.ts";
export { caseRuns, type RunCasesOptions, runCases } from "./run-cases.ts";
export { unprovenRules } from "./unproven-rules.ts";
