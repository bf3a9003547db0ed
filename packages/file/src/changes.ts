import type { Entries } from "./entries.ts";
import { isMissing } from "./errors.ts";
import { Gate } from "./gate.ts";
import type { Io } from "./io.ts";
import type { EntryFile } from "./layout.ts";
import type { Deadline, Locks } from "./locks.ts";
import type { OwnDirectory } from "./own-directories.ts";
import type { Owner } from "./owner.ts";
import type { Session } from "./session.ts";

/** A change that is under way: who makes it, the directory for its files, and the file that is to become the entry. */
export interface Change {
  readonly owner: Owner;
  readonly own: OwnDirectory;
  staged: string | undefined;
}

/** The file that was changed is not the entry any more: this owner was fenced meanwhile. */
export class Replaced extends Error {
  override readonly name: string = "Replaced";
}

/** Far fewer than the links that a file can have, on any file system. */
const mostLocksAtOnce = 1_000;

/**
 * Changes of entries, while nobody else changes the same one: each under the lock of its key, or by an owner that is
 * alone in the namespace. Where one was stopped half-way it is made again from the start.
 */
export class Changes {
  readonly #session: Session;
  readonly #locks: Locks;
  readonly #entries: Entries;
  readonly #gate = new Gate(mostLocksAtOnce);

  constructor(session: Session, locks: Locks, entries: Entries) {
    this.#session = session;
    this.#locks = locks;
    this.#entries = entries;
  }

  /**
   * Makes a change that takes effect by a rename out of the own directory, or into it.
   *
   * @param work what is done while nobody else changes the entry; what is read in it is still so when it takes effect
   * @param before what takes long and can be done before: writing the file that is to become the entry
   */
  change<T>(
    file: EntryFile,
    deadline: Deadline,
    work: (change: Change) => Io<T>,
    before?: (change: Change) => Io<void>,
  ): Io<T> {
    return this.#made(file, deadline, work, before, true);
  }

  /**
   * Makes a change within the entry's file. Whoever comes could not stop it, and others would not see that it is under
   * way: so the owner counts as company meanwhile, and takes the lock.
   */
  changeInPlace<T>(file: EntryFile, deadline: Deadline, work: () => Io<T>): Io<T> {
    return this.#made(file, deadline, work, undefined, false);
  }

  *#made<T>(
    file: EntryFile,
    deadline: Deadline,
    work: (change: Change) => Io<T>,
    before: ((change: Change) => Io<void>) | undefined,
    mayBeAlone: boolean,
  ): Io<T> {
    const { untilMs } = deadline; // it moves with each piece that is written, also of what is written again
    for (let isAgain = false; ; isAgain = true) {
      const owner = yield* this.#session.owner();
      let change: Change | undefined;
      try {
        // Where one has come others may follow: in company nobody stops it again.
        const own = yield* owner.directories.in(file.place, mayBeAlone && !isAgain);
        change = { owner, own, staged: undefined };
        if (before !== undefined) yield* before(change);
        if (own.isAlone) return yield* work(change);
        return yield* this.#locked(file, change, deadline, work);
      } catch (error) {
        // Another has come, or emptied the namespace, or this owner was fenced: in each case nothing was changed.
        const wasStopped = isMissing(error) || error instanceof Replaced;
        const isLate = isAgain && performance.now() >= untilMs;
        if (!wasStopped || isLate || this.#session.isClosed) throw error;
        if (change !== undefined) owner.directories.forget(file.place, change.own);
        if (yield* owner.isFenced()) this.#session.forget(owner);
      } finally {
        if (change !== undefined) {
          if (change.staged !== undefined) yield* this.#entries.discard(change.staged);
          yield* owner.directories.done(file.place, change.own);
        }
      }
    }
  }

  *#locked<T>(file: EntryFile, change: Change, deadline: Deadline, work: (change: Change) => Io<T>): Io<T> {
    const lock = this.#locks.path(file.hash);
    const waiting = this.#gate.enter();
    if (waiting !== undefined) yield waiting;
    try {
      yield* this.#locks.take(change.owner, lock, file.place, deadline);
      try {
        return yield* work(change);
      } finally {
        yield* change.owner.release(lock);
      }
    } finally {
      this.#gate.leave();
    }
  }
}
