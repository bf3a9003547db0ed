import { isStoreError } from "@kv/core";
import type { Gensync } from "../disk/gensync.ts";
import type { EntryKey } from "../format/layout.ts";
import type { NewEntry } from "./entry-writer.ts";
import { liveAt, type StoredEntry } from "./stored-entry.ts";
import type { Transaction, Work } from "./transaction.ts";
import type { Update } from "./updates.ts";

const damagedEntry: StoredEntry = { expiresAtMs: Number.POSITIVE_INFINITY, value: new Uint8Array(0) };

/** Makes an update of an entry in a transaction. */
export class EntryUpdate<T> implements Work<T> {
  readonly #key: EntryKey;
  readonly #update: Update<T>;

  constructor(key: EntryKey, update: Update<T>) {
    this.#key = key;
    this.#update = update;
  }

  /** Decides by a read without a lock, which is the answer if nothing is to be changed, and again by one under it. */
  *run(transaction: Transaction): Gensync<T> {
    const { now } = transaction.context;
    const { alwaysWrites, decide } = this.#update;
    let nowMs = now();
    let staged: NewEntry | undefined;
    if (alwaysWrites === true) yield* transaction.begin();
    else {
      const first = decide(yield* this.#read(transaction), nowMs);
      if (first.write === undefined && first.removes !== true) return first.answer;
      if (first.write !== undefined) {
        yield* transaction.begin();
        yield* transaction.stage(this.#key, first.write); // it takes long, and others need not wait for it
      }
      staged = first.write;
    }
    const hasWaited = yield* transaction.lock();
    if (staged === undefined || hasWaited) nowMs = now();
    const entry = yield* this.#read(transaction);
    const { answer, write, removes } = decide(entry, nowMs);
    if (write !== undefined && write.expiresAtMs !== staged?.expiresAtMs) {
      yield* transaction.stage(this.#key, write);
    }
    transaction.abortIfExpired(entry);
    if (removes === true) yield* transaction.remove();
    if (write !== undefined) yield* transaction.commit();
    return answer;
  }

  /**
   * Reads the entry; `undefined` if it had expired when this began: by then it was so, whatever others do while it is
   * read. Needs no lock: a file never changes except in its expiry, which is read and written in one piece.
   */
  *#read({ context, call }: Transaction): Gensync<StoredEntry | undefined> {
    const { reads, acceptsDamage } = this.#update;
    if (reads === "nothing") return undefined;
    const nowMs = context.now();
    try {
      return liveAt(nowMs, yield* context.reader.read(this.#key, reads, call));
    } catch (error) {
      if (acceptsDamage === true && isStoreError(error, "KV_CORRUPT")) return damagedEntry;
      throw error;
    }
  }
}
