import { Buffer } from "node:buffer";
import { read } from "./kinds.ts";
import type { Kind, Step } from "./step.ts";

/** Longer values gain nothing by going with others, and hold them up. */
const longestWrittenBytes = 2 * 1024;
/** Where values are longer, one of many would wait for all others of its command. */
const longestReadBytes = 32 * 1024;

/** Steps that go in one command. */
interface Group {
  readonly steps: Step[];
  /** Its place among the groups of the tick. */
  readonly at: number;
}

/** Gathers the steps of a tick into few commands. */
export class Gathering {
  #averageReadBytes = 0;

  /** A value was read. The lengths of the last few tell whether it pays to gather the next. */
  saw(value: unknown): void {
    const bytes = Buffer.isBuffer(value) ? value.length : 0;
    this.#averageReadBytes += (bytes - this.#averageReadBytes) / 16;
  }

  /**
   * The groups in the order in which they are to be sent. A step joins the last group of its kind, before which
   * others may have begun, unless one of those uses its key: the order on a key stays (S6).
   */
  gather(steps: readonly Step[]): readonly (readonly Step[])[] {
    const kind = steps[0]?.kind;
    if (kind !== undefined && steps.every((step) => step.kind === kind && this.#mayShare(step))) {
      return inPieces(steps, kind.atMost); // most ticks: nothing to be kept in order with
    }
    const groups: Group[] = [];
    const last = new Map<Kind, Group>();
    const lastUse = new Map<string, number>();
    for (const step of steps) {
      let group = last.get(step.kind);
      if (group === undefined || !this.#takes(group, step, lastUse.get(step.key))) {
        group = { steps: [], at: groups.length };
        groups.push(group);
        if (step.kind.atMost > 1 && !step.alone) last.set(step.kind, group);
      }
      group.steps.push(step);
      lastUse.set(step.key, group.at);
    }
    return groups.map((group) => group.steps);
  }

  #takes(group: Group, step: Step, lastUse: number = 0): boolean {
    return lastUse <= group.at && group.steps.length < step.kind.atMost && this.#mayShare(step);
  }

  /** Whether a step may go in one command with others. */
  #mayShare(step: Step): boolean {
    return (
      !step.alone &&
      step.bytes <= longestWrittenBytes &&
      (step.kind !== read || this.#averageReadBytes <= longestReadBytes)
    );
  }
}

export function inPieces<T>(items: readonly T[], length: number): (readonly T[])[] {
  const pieces: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += length) pieces.push(items.slice(from, from + length));
  return pieces;
}
