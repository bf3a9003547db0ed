import { readWriteFlags } from "../disk/file-system.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import type { EntryKey } from "../format/layout.ts";
import type { Projection, StoredEntry } from "./stored-entry.ts";
import { type Transaction, TransactionAborted, type Work } from "./transaction.ts";

/**
 * Moves the expiry of an entry that has one, by one write of 8 bytes into its file under its lock. Returns the entry as
 * it was; `undefined` if it had expired before the write was done: then it is left so.
 */
export class Renewal implements Work<StoredEntry | undefined> {
  readonly #key: EntryKey;
  readonly #renewForMs: number;
  readonly #reads: Projection;

  constructor(key: EntryKey, renewForMs: number, reads: Projection) {
    this.#key = key;
    this.#renewForMs = renewForMs;
    this.#reads = reads;
  }

  run(transaction: Transaction): Gensync<StoredEntry | undefined> {
    const { reader, now } = transaction.context;
    const beganMs = now();
    return reader.withEntry(this.#key, readWriteFlags, (fd) => this.#renewOpen(fd, transaction, beganMs));
  }

  *#renewOpen(fd: number, transaction: Transaction, beganMs: number): Gensync<StoredEntry | undefined> {
    const { call } = transaction;
    const { reader, writer, directory, now } = transaction.context;
    const { inline, pooled } = directory.disk;
    const entry = yield* reader.readOpen(fd, this.#key, this.#reads, call);
    if (entry.expiresAtMs === Number.POSITIVE_INFINITY) return entry;
    if (entry.expiresAtMs <= beganMs) return undefined;
    yield* transaction.lock();
    // The value of a file never changes; its expiry may have until now.
    const expiresAtMs = yield* reader.readExpiry(fd, this.#key);
    const nowMs = now();
    const isLive = expiresAtMs > nowMs;
    if (isLive) {
      call.commit();
      yield* writer.writeExpiry(fd, nowMs + this.#renewForMs);
      transaction.isApplied = true;
    }
    const { nlink } = yield* wait(inline.stat(fd));
    // Replaced before the lock was taken, or since, if this owner was fenced: no fence stops a write.
    transaction.isApplied &&= nlink > 0;
    if (nlink === 0) throw new TransactionAborted("The entry was replaced while it was renewed.");
    if (!isLive) return undefined;
    if (expiresAtMs <= now()) {
      yield* writer.writeExpiry(fd, expiresAtMs); // too late: others may have seen that it is gone
      return undefined;
    }
    if (directory.durability === "full") yield* wait(pooled.sync(fd));
    return entry;
  }
}
