import { bytesOf, type DriverValue, sameBytes } from "@kv/core/driver";
import type { Call } from "./call-queue.ts";
import type { FileContext } from "./context.ts";
import type { Found, Wanted } from "./entry-files.ts";
import {
  alwaysStopped,
  closed,
  directoryInPlace,
  isErrno,
  isFileError,
  lostReply,
  perhapsNotDurable,
} from "./errors.ts";
import { discard, isThere, makeDirectories, withFile } from "./file-operations.ts";
import { type Files, toChange, toCreate } from "./files.ts";
import { type Gensync, nextTurn, wait } from "./gensync.ts";
import { type EntryFile, type EntryKey, entriesName } from "./layout.ts";
import type { Patience } from "./locks.ts";
import type { Owner } from "./owners.ts";

/** What is to be put in the place of an entry. */
export interface Put {
  readonly value: DriverValue;
  readonly expiresAtMs: number;
}

/** A change that came to nothing, since another emptied the namespace or fenced this owner. It is made again. */
class Stopped extends Error {
  override readonly name: string = "Stopped";
}

/**
 * Makes a change of an entry, and makes it again where it was stopped. See PROTOCOL.md.
 *
 * @param work the change, from begin to commit: what it reads under the lock is still so when it takes effect
 */
export function* transact<T>(
  context: FileContext,
  file: EntryFile,
  call: Call,
  work: (transaction: Transaction) => Gensync<T>,
): Gensync<T> {
  const { untilMs, timeoutMs } = call.deadline; // it moves with each piece, also of what is written again
  for (let tries = 1; ; tries += 1) {
    call.expectWanted();
    const transaction = new Transaction(context, file, call);
    try {
      return yield* work(transaction);
    } catch (error) {
      if (transaction.isDone) throw isFileError(error) ? perhapsNotDurable(file.path, error) : error;
      const wasStopped = error instanceof Stopped || isGone(error);
      if (!wasStopped) throw error;
      if (context.directory.isClosed) throw closed();
      if (tries > 1 && performance.now() >= untilMs) throw alwaysStopped(timeoutMs, error);
      call.rollBack();
      yield* transaction.forget();
      yield nextTurn();
    } finally {
      yield* transaction.end();
    }
  }
}

/** One try at a change: begin, stage, lock, then read, and commit, remove or renew; and end. */
export class Transaction {
  /** Whether the change is made: what fails from here on does not make it undone. */
  isDone = false;
  readonly #context: FileContext;
  readonly #file: EntryFile;
  readonly #call: Call;
  #owner: Owner | undefined;
  #generation = "";
  #staged: (Put & { readonly path: string; readonly key: EntryKey }) | undefined;
  #lock: string | undefined;

  constructor(context: FileContext, file: EntryFile, call: Call) {
    this.#context = context;
    this.#file = file;
    this.#call = call;
  }

  /** Learns in which making of the namespace a commit is to be, before anything that it depends on is read. */
  *begin(): Gensync<void> {
    yield* this.#currentOwner("room");
    this.#generation = yield* this.#context.directory.generation(this.#file.place);
  }

  /** Writes the file that is to become the entry. Nobody else sees it. */
  *stage(key: EntryKey, put: Put): Gensync<void> {
    if (this.#staged !== undefined) yield* discard(this.#disk, this.#staged.path);
    const path = (yield* this.#currentOwner()).freshPath();
    this.#staged = { ...put, path, key };
    yield* withFile(this.#disk, path, toCreate, (fd) =>
      this.#context.files.write(fd, key, put.value, put.expiresAtMs, this.#call),
    );
  }

  /** From here on nobody else changes the entry, until the end. Gives whether it had to wait for that. */
  *lock(patience: Patience = "waits"): Gensync<boolean> {
    const { locks } = this.#context;
    const lock = locks.path(this.#file.hash);
    try {
      const hasWaited = yield* locks.take(yield* this.#currentOwner(), lock, this.#call, patience);
      this.#lock = lock;
      return hasWaited;
    } catch (error) {
      if (isGone(error)) throw new Stopped("The owner was fenced.", { cause: error });
      throw error;
    }
  }

  /** Starts over if what the change depends on has expired since: others may have seen that it is gone. */
  expectLive(found: Found | undefined): void {
    if (found !== undefined && found.expiresAtMs <= this.#context.now())
      throw new Stopped("The entry has expired.");
  }

  /**
   * Puts what was staged in the place of the entry: with this, and in one step, it is there for everyone. The path leads
   * through the namespace's generation, so that it leads nowhere once a `deleteAll` has moved that away.
   */
  *commit(): Gensync<void> {
    const { path, hash, folder, place } = this.#file;
    const target = `${this.#generation}/../${entriesName}/${hash.slice(0, 2)}/${hash}`;
    this.#call.commit();
    for (let tries = 1; ; tries += 1) {
      try {
        yield* wait(this.#disk.rename(this.#staged?.path ?? "", target));
        break;
      } catch (error) {
        if (isErrno(error, "EISDIR", "ENOTEMPTY")) throw directoryInPlace(path, error);
        if (!isGone(error)) throw error;
        if (yield* this.#wasCommitted(error)) break;
        if (tries > 1 || !(yield* isThere(this.#disk, this.#generation))) {
          throw new Stopped("The namespace was emptied, or the owner was fenced.", { cause: error });
        }
        yield* makeDirectories(this.#disk, folder, place.directory);
      }
    }
    this.isDone = true;
    this.#staged = undefined;
    yield* this.#context.directory.makeLast(this.#file.folder);
  }

  /** Removes the entry, which must be there: with this, and in one step, it is gone for everyone. */
  *remove(): Gensync<void> {
    const aside = (yield* this.#currentOwner()).freshPath();
    this.#call.commit();
    try {
      yield* wait(this.#disk.rename(this.#file.path, aside));
    } catch (error) {
      const wasDone = isGone(error) && (yield* isThere(this.#disk, aside)); // and the reply was lost
      if (!wasDone) throw error;
    }
    this.isDone = true;
    yield* discard(this.#disk, aside);
    yield* this.#context.directory.makeLast(this.#file.folder);
  }

  /**
   * Moves the expiry of an entry that has one, under the lock that it takes, by one write of 8 bytes into its file. Gives
   * what it found: if it had expired before the write was done, it is left as it was.
   */
  renew(key: EntryKey, renewForMs: number, wanted: Wanted): Gensync<Found | undefined> {
    const nowMs = this.#context.now();
    return this.#context.files.opened(key, toChange, (fd) =>
      this.#renewIn(fd, key, renewForMs, wanted, nowMs),
    );
  }

  /** What was known of the namespace, or of the owner, is not so any more. */
  *forget(): Gensync<void> {
    this.#context.directory.forgetGeneration(this.#file.place);
    if (this.#owner !== undefined) yield* this.#context.owners.forgetIfFenced(this.#owner);
  }

  /** Removes what was staged in vain, and releases the lock. */
  *end(): Gensync<void> {
    if (this.#staged !== undefined) yield* discard(this.#disk, this.#staged.path);
    if (this.#lock !== undefined) yield* this.#context.locks.release(yield* this.#currentOwner(), this.#lock);
  }

  get #disk(): Files {
    return this.#context.directory.disk.now;
  }

  *#currentOwner(needs: "room" | "no room" = "no room"): Gensync<Owner> {
    this.#owner ??= yield* this.#context.owners.current(needs);
    return this.#owner;
  }

  /** Over a network a reply may be lost, and the request made again: it fails then, as it was done before. */
  *#wasCommitted(error: unknown): Gensync<boolean> {
    const staged = this.#staged;
    if (staged === undefined || (yield* isThere(this.#disk, staged.path))) return false;
    // Nobody takes a file out of the directory of an owner that was not fenced but the owner.
    const { id } = yield* this.#currentOwner();
    if (!(yield* this.#context.owners.hasDirectory(id))) return false;
    const found = yield* this.#context.files.read(staged.key, "value", this.#call);
    const isSame = found?.expiresAtMs === staged.expiresAtMs && sameBytes(found.value, bytesOf(staged.value));
    if (!isSame) throw lostReply(this.#file.path, error);
    return true;
  }

  *#renewIn(
    fd: number,
    key: EntryKey,
    renewForMs: number,
    wanted: Wanted,
    beganMs: number,
  ): Gensync<Found | undefined> {
    const { files, directory, now } = this.#context;
    const found = yield* files.readFrom(fd, key, wanted, this.#call);
    if (found.expiresAtMs === Number.POSITIVE_INFINITY) return found;
    if (found.expiresAtMs <= beganMs) return undefined;
    yield* this.lock();
    // The value of a file never changes; its expiry may have until now.
    const expiresAtMs = yield* files.readExpiry(fd, key);
    const isLive = expiresAtMs > now();
    if (isLive) {
      this.#call.commit();
      yield* files.writeExpiry(fd, now() + renewForMs);
      this.isDone = true;
    }
    const { nlink } = yield* wait(this.#disk.stat(fd));
    // Replaced before the lock was taken, or since, if this owner was fenced: no fence stops a write.
    this.isDone &&= nlink > 0;
    if (nlink === 0) throw new Stopped("The entry was replaced while it was renewed.");
    if (!isLive) return undefined;
    if (expiresAtMs <= now()) {
      yield* files.writeExpiry(fd, expiresAtMs); // too late: others may have seen that it is gone
      return undefined;
    }
    if (directory.durability === "full") yield* wait(directory.disk.later.sync(fd));
    return found;
  }
}

/** Where a path led is not there any more, or over a network another file is. */
function isGone(error: unknown): boolean {
  return isErrno(error, "ENOENT", "ESTALE");
}
