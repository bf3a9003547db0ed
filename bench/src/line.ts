import type { Ratio } from "./measure.ts";
import type { Case } from "./operations.ts";

/** A line of a table: how fast each contender was beside the first. */
export interface Line extends Case {
  readonly ratios: Readonly<Record<string, Ratio>>;
}
