import type { Interval } from "@kv/core/driver";
import type { CallQueue } from "../calls/call-queue.ts";
import type { DurableDirectories } from "../ownership/durable-directories.ts";
import type { Generations } from "../ownership/generations.ts";
import type { KeyLocks } from "../ownership/key-locks.ts";
import type { OwnerRegistry } from "../ownership/owner-registry.ts";
import type { StoreDirectory } from "../ownership/store-directory.ts";
import type { EntryReader } from "./entry-reader.ts";
import type { EntryWriter } from "./entry-writer.ts";

/** The parts of a store that its namespaces share. */
export interface FileContext {
  readonly directory: StoreDirectory;
  readonly generations: Generations;
  readonly durable: DurableDirectories;
  readonly owners: OwnerRegistry;
  readonly locks: KeyLocks;
  readonly reader: EntryReader;
  readonly writer: EntryWriter;
  readonly queue: CallQueue;
  /** Reads the clock of expiries. */
  readonly now: () => number;
  /** Removes what has expired in the background, from the first change on. */
  readonly sweeper: Interval;
}
