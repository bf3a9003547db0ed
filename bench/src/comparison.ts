import type { GoalResult } from "./goals.ts";
import type { Line } from "./line.ts";
import { type Contender, compare } from "./measure.ts";
import type { Case } from "./operations.ts";
import { SubjectProcess } from "./subject-process.ts";

/** What a suite has measured. */
export interface Comparison {
  readonly title: string;
  /** What is 1. */
  readonly base: string;
  /** Ours. */
  readonly ours: string;
  readonly notes: readonly string[];
  readonly lines: readonly Line[];
  /** The lines that the picture shows. */
  readonly pictured: readonly (readonly [operation: string, size: string, concurrency: number])[];
  readonly outcomes: readonly GoalResult[];
  /** Why what is not reached is not, with the measurement that shows it. */
  readonly limits: readonly string[];
}

export interface Pace {
  readonly rounds: number;
  readonly sliceMs: number;
}

export interface Measured {
  /** The module that serves the subjects, and their names. */
  readonly module: URL;
  readonly names: readonly string[];
  /** What each is opened with. */
  readonly target: string;
  readonly cases: readonly Case[];
  /** Adds one that is no store. */
  readonly limit?: (measured: Case) => Contender | undefined;
}

/** Measures the subjects in each case, the first being 1. */
export async function compareSubjects(
  { module, names, target, cases, limit }: Measured,
  { rounds, sliceMs }: Pace,
): Promise<Line[]> {
  const lines: Line[] = [];
  const subjects = names.map((name) => new SubjectProcess(module, name, target));
  for (const measured of cases) {
    const contenders: Contender[] = [];
    for (const subject of subjects) {
      const contender = await subject.prepare(measured, sliceMs);
      if (contender !== undefined) contenders.push(contender);
    }
    const beyond = limit?.(measured);
    if (beyond !== undefined) contenders.push(beyond);
    const line = { ...measured, ratios: await compare(contenders, rounds) };
    process.stderr.write(`${shown(line)}\n`);
    lines.push(line);
  }
  for (const subject of subjects) await subject[Symbol.asyncDispose]();
  return lines;
}

function shown({ operation, size, concurrency, ratios }: Line): string {
  const figures = Object.entries(ratios).map(([name, { median }]) => `${name} ${median.toFixed(2)}`);
  return `${operation}, ${size}, ${concurrency} in flight: ${figures.join(", ")}`;
}
