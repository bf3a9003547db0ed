import { Interval } from "@kv/core/driver";
import type { EntryTable } from "../entries/entry-table.ts";

/**
 * Makes the background work that removes expired entries, to be started with each entry that will expire. It stops by
 * itself when the table is empty. Its timer holds the table weakly: a store that nobody holds any more can be collected.
 */
export function expirySweep(everyMs: number, table: EntryTable): Interval {
  const weakTable = new WeakRef(table);
  return new Interval(everyMs, () => sweep(weakTable.deref()));
}

async function sweep(table: EntryTable | undefined): Promise<boolean> {
  if (table === undefined) return false;
  await table.removeExpired(table.tree.findOrAdd([]));
  return !table.tree.isEmpty;
}
