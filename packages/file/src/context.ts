import type { CallQueue } from "./call-queue.ts";
import type { EntryFiles } from "./entry-files.ts";
import type { Locks } from "./locks.ts";
import type { Owners } from "./owners.ts";
import type { StoreDirectory } from "./store-directory.ts";
import type { Sweeper } from "./sweeper.ts";

/** All that the namespaces of a store have in common. */
export interface FileContext {
  readonly directory: StoreDirectory;
  readonly queue: CallQueue;
  readonly owners: Owners;
  readonly locks: Locks;
  readonly files: EntryFiles;
  /** The clock of expiries. */
  readonly now: () => number;
  sweeper?: Sweeper;
}
