import type { ContractCase } from "../contract-case.ts";
import { capabilityCases } from "./capability-cases.ts";
import { compareCases } from "./compare-cases.ts";
import { deleteAllCases } from "./delete-all-cases.ts";
import { deleteExpiredCases } from "./delete-expired-cases.ts";
import { entryCases } from "./entry-cases.ts";
import { errorCases } from "./error-cases.ts";
import { expiryCases } from "./expiry-cases.ts";
import { failureCases } from "./failure-cases.ts";
import { historyCases } from "./history-cases.ts";
import { incrementCases } from "./increment-cases.ts";
import { keyCases } from "./key-cases.ts";
import { lifeCases } from "./life-cases.ts";
import { listingCases } from "./listing-cases.ts";
import { mistakeCases } from "./mistake-cases.ts";
import { modelCases } from "./model-cases.ts";
import { namespaceCases } from "./namespace-cases.ts";
import { orderCases } from "./order-cases.ts";
import { overloadCases } from "./overload-cases.ts";
import { prefixCases } from "./prefix-cases.ts";
import { registryCases } from "./registry-cases.ts";
import { takeCases } from "./take-cases.ts";
import { timeCases } from "./time-cases.ts";
import { valueCases } from "./value-cases.ts";

/** The contract, case by case. */
export const contractCases: readonly ContractCase[] = [
  ...capabilityCases,
  ...valueCases,
  ...keyCases,
  ...mistakeCases,
  ...orderCases,
  ...failureCases,
  ...overloadCases,
  ...expiryCases,
  ...timeCases,
  ...deleteExpiredCases,
  ...namespaceCases,
  ...deleteAllCases,
  ...listingCases,
  ...prefixCases,
  ...entryCases,
  ...incrementCases,
  ...compareCases,
  ...takeCases,
  ...lifeCases,
  ...registryCases,
  ...errorCases,
  ...historyCases,
  ...modelCases,
];
