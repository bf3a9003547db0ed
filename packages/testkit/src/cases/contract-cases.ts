import type { ContractCase } from "../contract/contract-case.ts";
import { besideWritesCases } from "./atomic/beside-writes-cases.ts";
import { compareCases } from "./atomic/compare-cases.ts";
import { incrementCases } from "./atomic/increment-cases.ts";
import { takeCases } from "./atomic/take-cases.ts";
import { callerErrorCases } from "./errors/caller-error-cases.ts";
import { capabilityCases } from "./errors/capability-cases.ts";
import { errorCases } from "./errors/error-cases.ts";
import { afterCloseCases } from "./lifecycle/after-close-cases.ts";
import { inFlightCases } from "./lifecycle/in-flight-cases.ts";
import { lifecycleCases } from "./lifecycle/lifecycle-cases.ts";
import { registryCases } from "./lifecycle/registry-cases.ts";
import { deleteAllBesideWritersCases } from "./namespaces/delete-all-beside-writers-cases.ts";
import { deleteAllCases } from "./namespaces/delete-all-cases.ts";
import { entryCases } from "./namespaces/entry-cases.ts";
import { listingCases } from "./namespaces/listing-cases.ts";
import { lookAlikeCases } from "./namespaces/look-alike-cases.ts";
import { namespaceCases } from "./namespaces/namespace-cases.ts";
import { pathCases } from "./namespaces/path-cases.ts";
import { prefixCases } from "./namespaces/prefix-cases.ts";
import { historyCases } from "./random/history-cases.ts";
import { modelCases } from "./random/model-cases.ts";
import { batchCases } from "./storing/batch-cases.ts";
import { byteCases } from "./storing/byte-cases.ts";
import { damageCases } from "./storing/damage-cases.ts";
import { failureCases } from "./storing/failure-cases.ts";
import { keyCases } from "./storing/key-cases.ts";
import { midwayFailureCases } from "./storing/midway-failure-cases.ts";
import { orderCases } from "./storing/order-cases.ts";
import { overloadCases } from "./storing/overload-cases.ts";
import { valueCases } from "./storing/value-cases.ts";
import { deleteExpiredCases } from "./time/delete-expired-cases.ts";
import { durationCases } from "./time/duration-cases.ts";
import { expiryCases } from "./time/expiry-cases.ts";
import { halfDoneCases } from "./time/half-done-cases.ts";
import { timeCases } from "./time/time-cases.ts";
import { wallClockCases } from "./time/wall-clock-cases.ts";

/** The contract, case by case. */
export const contractCases: readonly ContractCase[] = [
  ...capabilityCases,
  ...valueCases,
  ...byteCases,
  ...batchCases,
  ...keyCases,
  ...callerErrorCases,
  ...orderCases,
  ...failureCases,
  ...midwayFailureCases,
  ...damageCases,
  ...overloadCases,
  ...expiryCases,
  ...timeCases,
  ...wallClockCases,
  ...durationCases,
  ...halfDoneCases,
  ...deleteExpiredCases,
  ...namespaceCases,
  ...deleteAllCases,
  ...deleteAllBesideWritersCases,
  ...listingCases,
  ...lookAlikeCases,
  ...pathCases,
  ...prefixCases,
  ...entryCases,
  ...incrementCases,
  ...compareCases,
  ...takeCases,
  ...besideWritesCases,
  ...lifecycleCases,
  ...afterCloseCases,
  ...inFlightCases,
  ...registryCases,
  ...errorCases,
  ...historyCases,
  ...modelCases,
];
