import { type Case, contenderFor } from "./operations.ts";
import { type Contender, compare, type Ratio } from "./measure.ts";
import type { Subject } from "./subject.ts";

/** A line of a table: how fast each contender was beside the first. */
export interface Line extends Case {
  readonly ratios: Readonly<Record<string, Ratio>>;
}

/** What a suite has measured. */
export interface Comparison {
  readonly title: string;
  /** What is 1. */
  readonly base: string;
  /** Ours. */
  readonly ours: string;
  readonly notes: readonly string[];
  readonly lines: readonly Line[];
}

export interface Pace {
  readonly rounds: number;
  readonly sliceMs: number;
}

/** Measures the subjects in each case, the first being 1. `limit` may add one that is no store. */
export async function compareSubjects(
  subjects: readonly Subject[],
  cases: readonly Case[],
  pace: Pace,
  limit: (measured: Case) => Contender | undefined = () => undefined,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const measured of cases) {
    const contenders: Contender[] = [];
    for (const subject of subjects) {
      const contender = await contenderFor(subject, measured, pace.sliceMs);
      if (contender !== undefined) contenders.push(contender);
    }
    const beyond = limit(measured);
    if (beyond !== undefined) contenders.push(beyond);
    const line = { ...measured, ratios: await compare(contenders, pace.rounds) };
    process.stderr.write(`${shown(line)}\n`);
    lines.push(line);
    for (const subject of subjects) await subject.deleteAll?.();
  }
  return lines;
}

function shown({ operation, size, concurrency, ratios }: Line): string {
  const figures = Object.entries(ratios).map(([name, { median }]) => `${name} ${median.toFixed(2)}`);
  return `${operation}, ${size}, ${concurrency} at once: ${figures.join(", ")}`;
}
