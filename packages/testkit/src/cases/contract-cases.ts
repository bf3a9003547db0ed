import type { ContractCase } from "../contract-case.ts";
import { expiryCases } from "./expiry-cases.ts";
import { keyCases } from "./key-cases.ts";
import { mistakeCases } from "./mistake-cases.ts";
import { timeCases } from "./time-cases.ts";
import { valueCases } from "./value-cases.ts";

/** The contract, case by case. */
export const contractCases: readonly ContractCase[] = [
  ...valueCases,
  ...keyCases,
  ...mistakeCases,
  ...expiryCases,
  ...timeCases,
];
