import { Buffer } from "node:buffer";
import type { Operation, OperationType } from "../commands/operation.ts";
import { read } from "../commands/operations.ts";

/** Longer values gain nothing by sharing a command, and delay the others in it. */
const maxBatchedWriteBytes = 2 * 1024;
/** When values read are longer on average, each would wait for all others of its command. */
const maxBatchedReadBytes = 32 * 1024;

/** Operations that go in one command. */
interface Group {
  readonly operations: Operation[];
  /** Its index among the groups of the tick. */
  readonly index: number;
}

/** Groups the operations of a tick into few commands. */
export class Coalescer {
  #averageReadBytes = 0;

  /** Notes a value that was read: the average length of the last few decides whether the next reads share a command. */
  observe(value: unknown): void {
    const bytes = Buffer.isBuffer(value) ? value.length : 0;
    this.#averageReadBytes += (bytes - this.#averageReadBytes) / 16;
  }

  /**
   * Groups operations, in the order in which the groups are to be sent. An operation joins the last group of its type, though
   * other groups may have begun after that one, unless one of those uses its key: the order on a key stays (S6).
   */
  coalesce(operations: readonly Operation[]): readonly (readonly Operation[])[] {
    const type = operations[0]?.type;
    if (
      type !== undefined &&
      operations.every((operation) => operation.type === type && this.#isBatchable(operation))
    ) {
      return chunk(operations, type.maxPerCommand); // most ticks: one type, so nothing can be reordered
    }
    const groups: Group[] = [];
    const last = new Map<OperationType, Group>();
    const lastUse = new Map<string, number>();
    for (const operation of operations) {
      let group = last.get(operation.type);
      if (group === undefined || !this.#fits(group, operation, lastUse.get(operation.key))) {
        group = { operations: [], index: groups.length };
        groups.push(group);
        if (operation.type.maxPerCommand > 1 && !operation.unbatched) last.set(operation.type, group);
      }
      group.operations.push(operation);
      lastUse.set(operation.key, group.index);
    }
    return groups.map((group) => group.operations);
  }

  #fits(group: Group, operation: Operation, lastUse: number = 0): boolean {
    return (
      lastUse <= group.index &&
      group.operations.length < operation.type.maxPerCommand &&
      this.#isBatchable(operation)
    );
  }

  /** Tells whether an operation may share a command with others. */
  #isBatchable(operation: Operation): boolean {
    return (
      !operation.unbatched &&
      operation.bytes <= maxBatchedWriteBytes &&
      (operation.type !== read || this.#averageReadBytes <= maxBatchedReadBytes)
    );
  }
}

/** Cuts items into chunks of that length; the last may be shorter. */
export function chunk<T>(items: readonly T[], length: number): (readonly T[])[] {
  const chunks: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += length) chunks.push(items.slice(from, from + length));
  return chunks;
}
