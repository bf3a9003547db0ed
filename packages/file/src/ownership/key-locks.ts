import { Buffer } from "node:buffer";
import { time } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";
import { discard, tryLink, withFile } from "../disk/file-operations.ts";
import { readFlags } from "../disk/file-system.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import {
  isFileError,
  isFull,
  isNotFound,
  isNotRegularFile,
  lockTimeout,
  notALock,
} from "../errors/errors.ts";
import type { IdIndex, LockOwner } from "./lock-owner.ts";
import type { OwnerId } from "./owner-id.ts";
import { idBytes, type OwnerRegistry } from "./owner-registry.ts";
import type { StoreDirectory } from "./store-directory.ts";

const maxPauseMs = 16;
const maxSpareLinks = 16;

/** Tells whether to wait for a lock that somebody holds, or to throw. */
export type WaitMode = "wait" | "noWait";

/** Locks on keys, among all processes that share the directory. See PROTOCOL.md. */
export class KeyLocks {
  readonly #directory: StoreDirectory;
  readonly #owners: OwnerRegistry;

  constructor(directory: StoreDirectory, owners: OwnerRegistry) {
    this.#directory = directory;
    this.#owners = owners;
  }

  /** Returns the path of a lock. */
  path(name: string): string {
    return `${this.#directory.layout.locks}/${name}`;
  }

  /**
   * Acquires a lock. Returns whether it had to wait.
   *
   * @throws StoreError `KV_TIMEOUT`; an error `ENOENT` where the owner has been fenced
   */
  *acquire(owner: LockOwner, lock: string, call: Call, waitMode: WaitMode): Gensync<boolean> {
    let attempts = 0;
    // No two calls of this owner acquire or release the same lock at a time, so what is read of it is still so.
    for (; owner.heldLocks.has(lock); attempts += 1) yield* this.#waitOrThrow(lock, attempts, call, waitMode);
    const idIndex: IdIndex = owner.spareLinks[1].length > 0 ? 0 : 1;
    owner.heldLocks.set(lock, idIndex);
    try {
      for (; !(yield* this.#tryLink(owner, idIndex, lock)); attempts += 1) {
        const holder = yield* this.holder(lock);
        if (holder === undefined) continue;
        if (holder === owner.id) {
          owner.heldLocks.set(lock, undefined); // it could not be released, or the reply was lost
          break;
        }
        if (yield* this.#owners.isDead(owner, holder))
          yield* this.removeStale(owner, lock, holder, call, waitMode);
        else yield* this.#waitOrThrow(lock, attempts, call, waitMode);
      }
    } catch (error) {
      owner.heldLocks.delete(lock);
      throw error;
    }
    this.#owners.startHeartbeat(owner);
    return attempts > 0;
  }

  /**
   * Releases a lock, by a rename into the owner's own directory: so an owner that was fenced, and whose lock another has
   * acquired since, does not remove that one. Where the disk fails, the owner fences itself later.
   */
  *release(owner: LockOwner, lock: string): Gensync<void> {
    const isReleased = (yield* this.#tryRelease(owner, lock)) || (yield* this.#tryRelease(owner, lock));
    owner.heldLocks.delete(lock);
    if (isReleased) return;
    owner.hasStuckLock = true;
    this.#owners.startHeartbeat(owner);
  }

  /** Returns who holds a lock now, if anyone does. */
  *holder(lock: string): Gensync<OwnerId | undefined> {
    const { inline } = this.#directory.disk;
    const buffer = Buffer.alloc(idBytes);
    try {
      const length = yield* withFile(inline, lock, readFlags, (fd) =>
        wait(inline.read(fd, buffer, 0, idBytes, 0)),
      );
      return buffer.toString("latin1", 0, length).trimEnd();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (isNotRegularFile(error)) throw notALock(lock, error);
      throw error;
    }
  }

  /** Breaks the lock of a holder that is dead. Whoever does so holds a lock for it, which is broken the same way. */
  *removeStale(
    owner: LockOwner,
    lock: string,
    holder: OwnerId,
    call: Call,
    waitMode: WaitMode,
  ): Gensync<void> {
    const breakerLock = `${lock}.b`;
    yield* this.acquire(owner, breakerLock, call, waitMode);
    try {
      yield* this.#owners.fence(holder);
      // Its holder cannot release it any more, and nobody else breaks it now: so it does not change from here on.
      if ((yield* this.holder(lock)) === holder) yield* this.#remove(owner, lock);
    } finally {
      yield* this.release(owner, breakerLock);
    }
  }

  *#waitOrThrow(lock: string, attempts: number, call: Call, waitMode: WaitMode): Gensync<void> {
    call.throwIfAbandoned();
    const { untilMs, timeoutMs } = call.deadline;
    if (waitMode === "noWait" || time.monotonicMs() >= untilMs) throw lockTimeout(lock, timeoutMs);
    yield call.sleep(Math.min(2 ** Math.max(0, attempts - 4), maxPauseMs));
  }

  *#tryLink(owner: LockOwner, idIndex: IdIndex, lock: string): Gensync<boolean> {
    const { inline } = this.#directory.disk;
    try {
      return yield* tryLink(inline, owner.idPaths[idIndex], lock);
    } catch (error) {
      const spareLink = isFull(error) ? (owner.spareLinks[1].pop() ?? owner.spareLinks[0].pop()) : undefined;
      if (spareLink === undefined) throw error;
      yield* discard(inline, spareLink); // what frees room must need none, and some file systems count links
      return yield* tryLink(inline, owner.idPaths[idIndex], lock);
    }
  }

  *#tryRelease(owner: LockOwner, lock: string): Gensync<boolean> {
    const idIndex = owner.heldLocks.get(lock);
    try {
      const spareLink = idIndex === undefined ? undefined : owner.spareLinks[idIndex === 0 ? 1 : 0].pop();
      if (
        idIndex === undefined ||
        (spareLink === undefined && owner.spareLinks[idIndex].length >= maxSpareLinks)
      ) {
        yield* this.#remove(owner, lock);
      } else {
        const path = spareLink ?? owner.newPath();
        yield* wait(this.#directory.disk.inline.rename(lock, path));
        owner.spareLinks[idIndex].push(path);
      }
      return true;
    } catch (error) {
      if (!isFileError(error)) throw error;
      return isNotFound(error); // the owner was fenced, and the lock is not its own any more
    }
  }

  /** Removes a lock, unless this owner has been fenced. */
  *#remove(owner: LockOwner, lock: string): Gensync<void> {
    const removed = owner.newPath();
    yield* wait(this.#directory.disk.inline.rename(lock, removed));
    yield* discard(this.#directory.disk.inline, removed);
  }
}
