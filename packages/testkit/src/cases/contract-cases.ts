import type { ContractCase } from "../contract/contract-case.ts";
import { compareCases } from "./atomic/compare-cases.ts";
import { incrementCases } from "./atomic/increment-cases.ts";
import { takeCases } from "./atomic/take-cases.ts";
import { callerErrorCases } from "./errors/caller-error-cases.ts";
import { capabilityCases } from "./errors/capability-cases.ts";
import { errorCases } from "./errors/error-cases.ts";
import { lifecycleCases } from "./lifecycle/lifecycle-cases.ts";
import { registryCases } from "./lifecycle/registry-cases.ts";
import { deleteAllCases } from "./namespaces/delete-all-cases.ts";
import { entryCases } from "./namespaces/entry-cases.ts";
import { listingCases } from "./namespaces/listing-cases.ts";
import { namespaceCases } from "./namespaces/namespace-cases.ts";
import { prefixCases } from "./namespaces/prefix-cases.ts";
import { historyCases } from "./random/history-cases.ts";
import { modelCases } from "./random/model-cases.ts";
import { failureCases } from "./storing/failure-cases.ts";
import { keyCases } from "./storing/key-cases.ts";
import { orderCases } from "./storing/order-cases.ts";
import { overloadCases } from "./storing/overload-cases.ts";
import { valueCases } from "./storing/value-cases.ts";
import { deleteExpiredCases } from "./time/delete-expired-cases.ts";
import { expiryCases } from "./time/expiry-cases.ts";
import { timeCases } from "./time/time-cases.ts";

/** The contract, case by case. */
export const contractCases: readonly ContractCase[] = [
  ...capabilityCases,
  ...valueCases,
  ...keyCases,
  ...callerErrorCases,
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
  ...lifecycleCases,
  ...registryCases,
  ...errorCases,
  ...historyCases,
  ...modelCases,
];
