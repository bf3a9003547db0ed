import { bytesOf, sameBytes } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";
import { discard, exists, makeDirectories, withFile } from "../disk/file-operations.ts";
import { createFlags } from "../disk/file-system.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import { directoryInTheWay, isErrno, lostReply } from "../errors/errors.ts";
import { type EntryFile, type EntryKey, entriesName } from "../format/layout.ts";
import type { WaitMode } from "../ownership/key-locks.ts";
import type { LockOwner } from "../ownership/lock-owner.ts";
import type { FileContext } from "./context.ts";
import type { NewEntry } from "./entry-writer.ts";
import type { StoredEntry } from "./stored-entry.ts";

/** The steps of a change, from `begin` to `commit`: what is read under the lock is still so when it takes effect. */
export interface Work<T> {
  run(transaction: Transaction): Gensync<T>;
}

/** Ends a transaction that changed nothing, since another emptied the namespace or fenced this owner. It is retried. */
export class TransactionAborted extends Error {
  override readonly name: string = "TransactionAborted";
}

interface StagedEntry {
  readonly key: EntryKey;
  readonly entry: NewEntry;
  readonly path: string;
}

/** One attempt at a change: begin, stage, lock, then read, and commit, remove or renew; and end. See PROTOCOL.md. */
export class Transaction {
  readonly context: FileContext;
  readonly call: Call;
  /** True once the change is made: what fails from then on does not undo it. */
  isApplied = false;
  readonly #file: EntryFile;
  #owner: LockOwner | undefined;
  #generation = "";
  #staged: StagedEntry | undefined;
  #lock: string | undefined;

  constructor(context: FileContext, file: EntryFile, call: Call) {
    this.context = context;
    this.#file = file;
    this.call = call;
  }

  /** Finds the generation that a commit is to go to, before anything that it depends on is read. */
  *begin(): Gensync<void> {
    const { owners, generations } = this.context;
    this.#owner ??= yield* owners.current("normal");
    this.#generation = yield* generations.current(this.#file.namespace);
  }

  /** Writes the file that is to become the entry. Nobody else sees it. */
  *stage(key: EntryKey, entry: NewEntry): Gensync<void> {
    const { directory, writer } = this.context;
    const files = directory.disk.inline;
    if (this.#staged !== undefined) yield* discard(files, this.#staged.path);
    const path = this.#lockOwner.newPath();
    this.#staged = { key, entry, path };
    yield* withFile(files, path, createFlags, writer.writing(key, entry, this.call));
  }

  /** Stops others from changing the entry, until the end. Returns whether it had to wait for that. */
  *lock(waitMode: WaitMode = "wait"): Gensync<boolean> {
    const { locks, owners } = this.context;
    const lock = locks.path(this.#file.hash);
    try {
      this.#owner ??= yield* owners.current("reserve");
      const hasWaited = yield* locks.acquire(this.#owner, lock, this.call, waitMode);
      this.#lock = lock;
      return hasWaited;
    } catch (error) {
      if (isStale(error)) throw new TransactionAborted("The owner was fenced.", { cause: error });
      throw error;
    }
  }

  /** Aborts if what the change depends on has expired since: others may have seen that it is gone. */
  abortIfExpired(entry: StoredEntry | undefined): void {
    if (entry !== undefined && entry.expiresAtMs <= this.context.now()) {
      throw new TransactionAborted("The entry has expired.");
    }
  }

  /**
   * Replaces the entry by what was staged: with this, and in one step, it is there for everyone. The path leads
   * through the namespace's generation, so that it leads nowhere once a `deleteAll` has moved that away.
   */
  *commit(): Gensync<void> {
    const files = this.context.directory.disk.inline;
    const { path, hash, bucket, namespace } = this.#file;
    const target = `${this.#generation}/../${entriesName}/${hash.slice(0, 2)}/${hash}`;
    this.call.commit();
    for (let attempts = 1; ; attempts += 1) {
      try {
        yield* wait(files.rename(this.#staged?.path ?? "", target));
        break;
      } catch (error) {
        if (isErrno(error, "EISDIR", "ENOTEMPTY")) throw directoryInTheWay(path, error);
        if (!isStale(error)) throw error;
        if (yield* this.#wasCommitted(error)) break;
        if (attempts > 1 || !(yield* exists(files, this.#generation))) {
          throw new TransactionAborted("The namespace was emptied, or the owner was fenced.", {
            cause: error,
          });
        }
        yield* makeDirectories(files, bucket, namespace.directory);
      }
    }
    this.isApplied = true;
    this.#staged = undefined;
    yield* this.context.durable.sync(bucket);
  }

  /** Removes the entry, which must exist: with this, and in one step, it is gone for everyone. */
  *remove(): Gensync<void> {
    const files = this.context.directory.disk.inline;
    const removed = this.#lockOwner.newPath();
    this.call.commit();
    try {
      yield* wait(files.rename(this.#file.path, removed));
    } catch (error) {
      const wasDone = isStale(error) && (yield* exists(files, removed)); // and the reply was lost
      if (!wasDone) throw error;
    }
    this.isApplied = true;
    yield* discard(files, removed);
    yield* this.context.durable.sync(this.#file.bucket);
  }

  /** Looks again with the next attempt for the namespace's generation, and for the owner, if it was fenced. */
  *invalidate(): Gensync<void> {
    this.context.generations.invalidate(this.#file.namespace);
    if (this.#owner !== undefined) yield* this.context.owners.invalidateIfFenced(this.#owner);
  }

  /** Removes what was staged in vain, and releases the lock. */
  *end(): Gensync<void> {
    if (this.#staged !== undefined) yield* discard(this.context.directory.disk.inline, this.#staged.path);
    if (this.#lock !== undefined) yield* this.context.locks.release(this.#lockOwner, this.#lock);
  }

  get #lockOwner(): LockOwner {
    if (this.#owner === undefined) throw new Error("The transaction has neither begun nor locked.");
    return this.#owner;
  }

  /** Over a network a reply may be lost, and the request repeated: it fails then, for it was done before. */
  *#wasCommitted(error: unknown): Gensync<boolean> {
    const { directory, owners, reader } = this.context;
    const staged = this.#staged;
    if (staged === undefined || (yield* exists(directory.disk.inline, staged.path))) return false;
    // Nobody takes a file out of the directory of an owner that was not fenced but the owner.
    if (!(yield* owners.hasDirectory(this.#lockOwner.id))) return false;
    const { value, expiresAtMs } = staged.entry;
    const entry = yield* reader.read(staged.key, "value", this.call);
    const isSame = entry?.expiresAtMs === expiresAtMs && sameBytes(entry.value, bytesOf(value));
    if (!isSame) throw lostReply(this.#file.path, error);
    return true;
  }
}

/** Tells whether a path leads nowhere any more, or over a network to another file. */
export function isStale(error: unknown): boolean {
  return isErrno(error, "ENOENT", "ESTALE");
}
