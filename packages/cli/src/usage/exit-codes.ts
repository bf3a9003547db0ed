import { isStoreError, type StoreErrorCode } from "@kv/core";

/** The exit codes of the command, for scripts. */
export const exitCodes = {
  done: 0,
  /** The answer is no: there is no such key, the key exists already, the question was answered with no, or a rule is broken. */
  no: 1,
  /** The command line was wrong; nothing was done. */
  usage: 2,
  /** The store failed, and retrying does not help. */
  failed: 3,
  /** The store cannot be reached or is busy. The call that failed changed nothing and can be retried. */
  unavailable: 4,
  /** No reply was received after a write was sent: it may or may not have taken effect. */
  unknown: 5,
} as const;

/** An exit code of the command. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A mistake on the command line. */
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
