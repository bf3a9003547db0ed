import { Buffer } from "node:buffer";
import { listed, shut, withFile } from "./directories.ts";
import { isErrno, isMissing, isNoFile, noLock, notLocked } from "./errors.ts";
import { toRead } from "./files.ts";
import { canBeIdentity, type Identity } from "./identity.ts";
import { answered, type Io } from "./io.ts";
import { ownersName, type Place } from "./layout.ts";
import type { Owner } from "./owner.ts";
import type { Session } from "./session.ts";

const longestIdentity = 256;
const longestPauseMs = 16;
const mostWatched = 1_000;

/** Until when a call may wait, by the monotonic clock. */
export interface Deadline {
  untilMs: number;
  /** Waits for no lock that somebody holds. */
  readonly impatient?: boolean;
}

/** A large value takes its time: the deadline counts for each piece of it. */
export function moveOn(deadline: Deadline, timeoutMs: number): void {
  deadline.untilMs = performance.now() + timeoutMs;
}

export interface Holder {
  readonly id: Identity;
  /** Changes with every lock and every heartbeat. */
  readonly sign: string;
}

/** Locks on keys, among all processes that share the directory. See PROTOCOL.md. */
export class Locks {
  readonly #session: Session;
  /** Since when the sign of a holder that cannot be judged has stood still, by our own clock. */
  readonly #watched = new Map<string, { readonly sign: string; readonly sinceMs: number }>();

  constructor(session: Session) {
    this.#session = session;
  }

  path(hash: string): string {
    return `${this.#session.layout.locks}/${hash}`;
  }

  /**
   * Takes a lock.
   *
   * @throws StoreError `KV_TIMEOUT`; an error `ENOENT` where the owner has been fenced
   */
  *take(owner: Owner, lock: string, place: Place | undefined, deadline: Deadline): Io<void> {
    for (let tries = 0; ; tries += 1) {
      if (yield* this.#linked(owner, lock)) break;
      const holder = yield* this.holder(lock);
      if (holder === undefined) continue;
      if (holder.id === owner.id && !owner.holds(lock)) break; // it could not be released, or the answer was lost
      if (yield* this.#hasGone(lock, holder)) {
        yield* this.breakLock(owner, lock, holder.id, place, deadline);
        continue;
      }
      if (deadline.impatient === true || performance.now() >= deadline.untilMs)
        throw notLocked(lock, this.#session.timeoutMs);
      yield pause(Math.min(2 ** Math.max(0, tries - 4), longestPauseMs));
    }
    owner.tookLock(lock);
    if (this.#watched.size > 0) this.#watched.delete(lock);
  }

  /** Takes away the lock of a holder that has gone. Whoever does so holds a lock for it, which breaks the same way. */
  *breakLock(
    owner: Owner,
    lock: string,
    holder: Identity,
    place: Place | undefined,
    deadline: Deadline,
  ): Io<void> {
    const breaking = `${lock}.b`;
    yield* this.take(owner, breaking, place, deadline);
    try {
      yield* this.fence(holder, place);
      const now = yield* this.holder(lock);
      // Its holder cannot release it any more, and nobody else breaks it now: so it does not change from here on.
      if (now?.id === holder) yield* owner.takeAway(lock);
    } finally {
      yield* owner.release(breaking);
    }
  }

  /**
   * Shuts the directories of an owner: from then on it can neither take nor release a lock, nor complete any
   * change in that namespace that it began. If it lives it finds out, and starts over as a new owner.
   */
  *fence(holder: Identity, place: Place | undefined): Io<void> {
    if (!canBeIdentity(holder)) return;
    const { now } = this.#session.around.disk;
    yield* shut(now, `${this.#session.layout.owners}/${holder}`);
    if (place === undefined) return;
    const all = `${place.directory}/${ownersName}`;
    for (const name of yield* listed(now, all)) {
      if (name.startsWith(`${holder}.`)) yield* shut(now, `${all}/${name}`);
    }
  }

  *#linked(owner: Owner, lock: string): Io<boolean> {
    try {
      yield* answered(this.#session.around.disk.now.link(owner.idPath, lock));
      return true;
    } catch (error) {
      if (isErrno(error, "EEXIST")) return false;
      throw error;
    }
  }

  /** Who holds a lock now, if anyone does. */
  *holder(lock: string): Io<Holder | undefined> {
    const { now } = this.#session.around.disk;
    const buffer = Buffer.alloc(longestIdentity);
    try {
      return yield* withFile(now, lock, toRead, function* (fd) {
        const length = yield* answered(now.read(fd, buffer, 0, longestIdentity, 0));
        const { ino, mtimeMs } = yield* answered(now.stat(fd));
        return { id: buffer.toString("latin1", 0, length), sign: `${ino} ${mtimeMs}` };
      });
    } catch (error) {
      if (isMissing(error)) return undefined;
      if (isNoFile(error)) throw noLock(lock, error);
      throw error;
    }
  }

  *#hasGone(lock: string, { id, sign }: Holder): Io<boolean> {
    const life = this.#session.around.lifeOf(id);
    if (life !== "unknown") return life === "ended";
    if (!(yield* this.#session.hasDirectory(id))) return true;
    const nowMs = performance.now();
    const watched = this.#watched.get(lock);
    if (watched?.sign === sign) return nowMs - watched.sinceMs >= this.#session.around.stillMs;
    if (this.#watched.size >= mostWatched) this.#watched.clear();
    this.#watched.set(lock, { sign, sinceMs: nowMs });
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
