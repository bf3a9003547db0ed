/** Takes a step for each item, all of them concurrently: a store that answers slowly is waited for once. */
export async function forEach<T>(
  items: readonly T[],
  step: (item: T, at: number) => Promise<unknown>,
): Promise<void> {
  await Promise.all(items.map(step));
}

/** Divides items among a few groups, neighbours among different ones: what is done to one after the other is done to a group. */
export function inGroups<T>(items: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, group) => items.filter((__, at) => at % count === group));
}
