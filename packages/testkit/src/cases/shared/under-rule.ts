import { ExpectationError } from "../../contract/expectation-error.ts";
import type { RuleId } from "../../contract/rules.ts";

/** Checks what another rule promises than that of the case: a failure names that rule. */
export async function underRule(rule: RuleId, check: () => Promise<unknown>): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (!(error instanceof ExpectationError)) throw error;
    throw new ExpectationError(error.expected, error.got, { rule: error.rule ?? rule, cause: error.cause });
  }
}
