import type { Line } from "./line.ts";
import type { OperationName, Size } from "./operations.ts";

/** What a suite has to show: ours is at least so many times as fast as the fastest of some others. */
export interface Goal {
  readonly operation: OperationName;
  readonly size: Size;
  readonly concurrency: number;
  readonly others: readonly string[];
  readonly least: number;
}

export interface GoalResult extends Goal {
  readonly reached: number;
}

export function outcomeOf(goal: Goal, ours: string, lines: readonly Line[]): GoalResult {
  const line = lines.find(
    ({ operation, size, concurrency }) =>
      operation === goal.operation && size === goal.size && concurrency === goal.concurrency,
  );
  const medians = goal.others.map((name) => line?.ratios[name]?.median ?? Number.NaN);
  return { ...goal, reached: (line?.ratios[ours]?.median ?? Number.NaN) / Math.max(...medians) };
}
