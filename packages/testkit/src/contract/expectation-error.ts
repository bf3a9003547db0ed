import type { RuleId } from "./rules.ts";

/** Something came that was not expected. */
export class ExpectationError extends Error {
  override readonly name: string = "ExpectationError";
  readonly expected: string;
  readonly got: string;
  /** The rule that is broken, where it is another than that of the case. */
  readonly rule: RuleId | undefined;

  constructor(
    expected: string,
    got: string,
    { rule, ...options }: ErrorOptions & { rule?: RuleId | undefined } = {},
  ) {
    super(`expected ${expected}, got ${got}`, options);
    this.expected = expected;
    this.got = got;
    this.rule = rule;
  }
}

/** Nothing happened any more: a call or the harness hangs. */
export class HangError extends ExpectationError {
  constructor(limitMs: number) {
    super(
      "every call to settle",
      `none within ${limitMs} ms: a call below that has no answer, or the harness, hangs`,
    );
  }
}
