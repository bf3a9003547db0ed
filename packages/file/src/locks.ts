import { Buffer } from "node:buffer";
import type { Call } from "./call-queue.ts";
import { isFileError, isFull, isMissing, isNoFile, noLock, notLocked } from "./errors.ts";
import { discard, linked, withFile } from "./file-operations.ts";
import { toRead } from "./files.ts";
import { type Gensync, wait } from "./gensync.ts";
import type { Identity } from "./identity.ts";
import { idBytes, type Owner, type Owners, type Twin } from "./owners.ts";
import type { StoreDirectory } from "./store-directory.ts";

const longestPauseMs = 16;
const mostSlots = 16;

/** Whether to wait for a lock that somebody holds, or to leave it. */
export type Patience = "waits" | "leaves";

/** Locks on keys, among all processes that share the directory. See PROTOCOL.md. */
export class Locks {
  readonly #directory: StoreDirectory;
  readonly #owners: Owners;

  constructor(directory: StoreDirectory, owners: Owners) {
    this.#directory = directory;
    this.#owners = owners;
  }

  path(name: string): string {
    return `${this.#directory.layout.locks}/${name}`;
  }

  /**
   * Takes a lock. Gives whether it had to wait.
   *
   * @throws StoreError `KV_TIMEOUT`; an error `ENOENT` where the owner has been fenced
   */
  *take(owner: Owner, lock: string, call: Call, patience: Patience): Gensync<boolean> {
    let tries = 0;
    // Of this owner no two take or release the same lock at a time, so what is read of it is still so.
    for (; owner.held.has(lock); tries += 1) yield* this.#wait(lock, tries, call, patience);
    const twin: Twin = owner.slots[1].length > 0 ? 0 : 1;
    owner.held.set(lock, twin);
    try {
      for (; !(yield* this.#linked(owner, twin, lock)); tries += 1) {
        const holder = yield* this.holder(lock);
        if (holder === undefined) continue;
        if (holder === owner.id) {
          owner.held.set(lock, undefined); // it could not be released, or the reply was lost
          break;
        }
        if (yield* this.#owners.hasGone(owner, holder))
          yield* this.breakLock(owner, lock, holder, call, patience);
        else yield* this.#wait(lock, tries, call, patience);
      }
    } catch (error) {
      owner.held.delete(lock);
      throw error;
    }
    this.#owners.keepAlive(owner);
    return tries > 0;
  }

  /**
   * Releases a lock, by a rename into the owner's own directory: so that an owner that was fenced, and whose lock another
   * has taken since, does not take that one away. Where the disk fails the owner gives itself up later.
   */
  *release(owner: Owner, lock: string): Gensync<void> {
    const isReleased = (yield* this.#tryRelease(owner, lock)) || (yield* this.#tryRelease(owner, lock));
    owner.held.delete(lock);
    if (isReleased) return;
    owner.isStuck = true;
    this.#owners.keepAlive(owner);
  }

  /** Who holds a lock now, if anyone does. */
  *holder(lock: string): Gensync<Identity | undefined> {
    const { now } = this.#directory.disk;
    const buffer = Buffer.alloc(idBytes);
    try {
      const length = yield* withFile(now, lock, toRead, (fd) => wait(now.read(fd, buffer, 0, idBytes, 0)));
      return buffer.toString("latin1", 0, length).trimEnd();
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (isNoFile(error)) throw noLock(lock, error);
      throw error;
    }
  }

  /** Takes away the lock of a holder that has gone. Whoever does so holds a lock for it, which breaks the same way. */
  *breakLock(owner: Owner, lock: string, holder: Identity, call: Call, patience: Patience): Gensync<void> {
    const right = `${lock}.b`;
    yield* this.take(owner, right, call, patience);
    try {
      yield* this.#owners.fence(holder);
      // Its holder cannot release it any more, and nobody else breaks it now: so it does not change from here on.
      if ((yield* this.holder(lock)) === holder) yield* this.#takeAway(owner, lock);
    } finally {
      yield* this.release(owner, right);
    }
  }

  *#wait(lock: string, tries: number, call: Call, patience: Patience): Gensync<void> {
    call.expectWanted();
    const { untilMs, timeoutMs } = call.deadline;
    if (patience === "leaves" || performance.now() >= untilMs) throw notLocked(lock, timeoutMs);
    yield call.sleep(Math.min(2 ** Math.max(0, tries - 4), longestPauseMs));
  }

  *#linked(owner: Owner, twin: Twin, lock: string): Gensync<boolean> {
    const { now } = this.#directory.disk;
    try {
      return yield* linked(now, owner.twins[twin], lock);
    } catch (error) {
      const slot = isFull(error) ? (owner.slots[1].pop() ?? owner.slots[0].pop()) : undefined;
      if (slot === undefined) throw error;
      yield* discard(now, slot); // what frees room must work without, and some file systems count links
      return yield* linked(now, owner.twins[twin], lock);
    }
  }

  *#tryRelease(owner: Owner, lock: string): Gensync<boolean> {
    const twin = owner.held.get(lock);
    try {
      const slot = twin === undefined ? undefined : owner.slots[twin === 0 ? 1 : 0].pop();
      if (twin === undefined || (slot === undefined && owner.slots[twin].length >= mostSlots)) {
        yield* this.#takeAway(owner, lock);
      } else {
        const path = slot ?? owner.freshPath();
        yield* wait(this.#directory.disk.now.rename(lock, path));
        owner.slots[twin].push(path);
      }
      return true;
    } catch (error) {
      if (!isFileError(error)) throw error;
      return isMissing(error); // the owner was fenced, and the lock is not its own any more
    }
  }

  /** Removes a lock, unless this owner has been fenced. */
  *#takeAway(owner: Owner, lock: string): Gensync<void> {
    const aside = owner.freshPath();
    yield* wait(this.#directory.disk.now.rename(lock, aside));
    yield* discard(this.#directory.disk.now, aside);
  }
}
