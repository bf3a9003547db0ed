import { isStoreError, StoreError } from "@kv/core";
import type { Answer } from "@kv/core/driver";
import { explain } from "../errors/errors.ts";

/** Collects the answers of a batch, when all its pieces are over. Rejects where any has failed. */
export function settleAll<T>(answers: readonly Answer<T>[]): Answer<T[]> {
  if (!answers.some((answer) => answer instanceof Promise)) return answers as T[];
  return Promise.allSettled(answers).then((settled) => {
    const failures = settled
      .filter((each) => each.status === "rejected")
      .map(({ reason }) => reason as unknown);
    if (failures.length > 0) throw gravest(failures, settled.length);
    return settled.map((each) => (each as PromiseFulfilledResult<T>).value);
  });
}

/** Returns the error of a batch, some of which failed: where a piece may have been done, that one's. */
function gravest(failures: readonly unknown[], outOf: number): StoreError {
  const { code, message, cause } = failures
    .map((failure) => {
      if (isStoreError(failure)) return failure;
      const explained = explain(failure);
      return new StoreError(explained.code, explained.message, { cause: failure });
    })
    .reduce((first, next) => (next.code === "KV_OUTCOME_UNKNOWN" ? next : first));
  return new StoreError(code, `${failures.length} of ${outOf} keys failed: ${message}`, { cause });
}
