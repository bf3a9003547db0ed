import { isStoreError, type StoreErrorCode } from "@kv/core";

/** How the command ends, for scripts. */
export const exitCodes = {
  done: 0,
  /** The answer is no: there is no such key, there is one already, or the question was answered with no. */
  no: 1,
  /** The command was given wrongly; nothing was done. */
  usage: 2,
  /** The store failed, in a way that trying again does not mend. */
  failed: 3,
  /** The store is away or busy; nothing was changed by the call that failed, and it can be tried again. */
  unavailable: 4,
  /** A write was sent and not answered: it may or may not have been done. */
  unknown: 5,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The command was given wrongly. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.usage;
  return (isStoreError(error) && byCode[error.code]) || exitCodes.failed;
}

const byCode: Partial<Record<StoreErrorCode, ExitCode>> = {
  KV_UNAVAILABLE: exitCodes.unavailable,
  KV_TIMEOUT: exitCodes.unavailable,
  KV_OUTCOME_UNKNOWN: exitCodes.unknown,
};
