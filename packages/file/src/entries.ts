import { Buffer } from "node:buffer";
import type { DriverValue } from "@kv/core/driver";
import { afterChange } from "./after-change.ts";
import { type Change, Replaced } from "./changes.ts";
import { discard, makeDirectories, withFile } from "./directories.ts";
import {
  checksumOf,
  checksumWith,
  encodeBeginning,
  encodeEntry,
  encodeExpiry,
  encodeHead,
  expiryLength,
  expiryOffset,
} from "./entry.ts";
import { EntryReader, type Found, pieceBytes, smallBytes, type Wanted } from "./entry-reader.ts";
import { directoryInPlace, isErrno, isFileError, isMissing, perhapsNotDurable } from "./errors.ts";
import { toChange, toCreate } from "./files.ts";
import { answered, type Io } from "./io.ts";
import { type EntryFile, type EntryKey, folderOf } from "./layout.ts";
import { type Deadline, moveOn } from "./locks.ts";
import type { Session } from "./session.ts";

/** What is done with the files of entries. */
export class Entries {
  readonly reader: EntryReader;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.reader = new EntryReader(session);
  }

  now(): number {
    return this.#session.around.now();
  }

  /** The end of a life that begins now. */
  endOf(lifeMs: number): number {
    return lifeMs === Number.POSITIVE_INFINITY ? lifeMs : this.now() + lifeMs;
  }

  /**
   * The entry if it had not expired when this began: by then it was there, whatever others do while it is read.
   * Needs no lock: a file never changes but in its expiry, which is read and written in one piece.
   */
  *live(key: EntryKey, wanted: Wanted, deadline: Deadline): Io<Found | undefined> {
    const nowMs = this.now();
    return liveAt(nowMs, yield* this.reader.read(key, wanted, deadline));
  }

  /** The same, if it can be had without waiting: `later` if not. */
  liveAtOnce(key: EntryKey, nowMs: number): Found | undefined | "later" {
    const found = this.reader.readAtOnce(key);
    return found === "later" ? found : liveAt(nowMs, found);
  }

  /** The same where it cannot. */
  *liveLater(key: EntryKey, nowMs: number, wanted: Wanted, deadline: Deadline): Io<Found | undefined> {
    return liveAt(nowMs, yield* this.reader.readLater(key, wanted, deadline));
  }

  /** Writes the file that is to become the entry, into a directory of this owner's. Nobody else sees it. */
  *stage(
    key: EntryKey,
    change: Change,
    value: DriverValue,
    expiresAtMs: number,
    deadline: Deadline,
  ): Io<void> {
    change.staged = `${change.own.path}/${change.owner.freshName()}`;
    yield* withFile(this.#session.around.disk.now, change.staged, toCreate, (fd) =>
      this.#write(fd, key, value, expiresAtMs, deadline),
    );
  }

  /** Gives the staged file another expiry than it was written with. */
  *restage(change: Change, expiresAtMs: number): Io<void> {
    yield* withFile(this.#session.around.disk.now, change.staged ?? "", toChange, (fd) =>
      this.#writeExpiry(fd, expiresAtMs, this.#syncsFiles),
    );
  }

  /** Puts the staged file in the place of the entry: with this, and in one step, it is there for everyone. */
  *commit(file: EntryFile, change: Change): Io<void> {
    try {
      yield* this.#place(file, change);
    } catch (error) {
      if (!isMissing(error)) throw error;
      change.own.durable.clear(); // a sweep may have removed any of them
      const { around, layout } = this.#session;
      yield* makeDirectories(around.disk.now, folderOf(file.place, file.hash), layout.directory);
      yield* this.#place(file, change);
    }
    yield* this.#lasting(file, change);
  }

  /** Removes the entry, which must be there: with this, and in one step, it is gone for everyone. */
  *remove(file: EntryFile, change: Change): Io<void> {
    const aside = `${change.own.path}/${change.owner.freshName()}`;
    yield* answered(this.#session.around.disk.now.rename(file.path, aside));
    yield* this.discard(aside);
    yield* this.#lasting(file, change);
  }

  /**
   * Moves the expiry of an entry that has one, under its lock, by one write into its file. Gives what it found: if
   * it had expired before the write was done, it is left as it was.
   */
  *renew(key: EntryKey, renewForMs: number, wanted: Wanted, deadline: Deadline): Io<Found | undefined> {
    const progress = { isWritten: false };
    try {
      return yield* this.reader.opened(key, toChange, (fd) =>
        this.#renewIn(fd, key, renewForMs, wanted, deadline, progress),
      );
    } catch (error) {
      if (progress.isWritten && isFileError(error)) throw perhapsNotDurable(key.path, error);
      throw error;
    }
  }

  /** Removes a file of this owner's that nobody needs. */
  *discard(path: string): Io<void> {
    yield* discard(this.#session.around.disk.now, path);
  }

  get #syncsFiles(): boolean {
    return this.#session.durability !== "none";
  }

  *#renewIn(
    fd: number,
    key: EntryKey,
    renewForMs: number,
    wanted: Wanted,
    deadline: Deadline,
    progress: { isWritten: boolean },
  ): Io<Found | undefined> {
    const found = yield* this.reader.readFrom(fd, key, wanted, deadline);
    if (found.expiresAtMs === Number.POSITIVE_INFINITY) return found;
    if (found.expiresAtMs <= this.now()) return undefined;
    yield* this.#writeExpiry(fd, this.endOf(renewForMs), false);
    progress.isWritten = true;
    // Only where this owner was fenced can another have replaced the file under the lock: no fence stops this write.
    const { nlink } = yield* answered(this.#session.around.disk.now.stat(fd));
    if (nlink === 0) throw new Replaced("The file of the entry was replaced while its expiry was renewed.");
    if (found.expiresAtMs <= this.now()) {
      // Too late: others may have seen that it is gone.
      yield* this.#writeExpiry(fd, found.expiresAtMs, false);
      return undefined;
    }
    if (this.#session.durability === "full") {
      yield* answered(this.#session.around.disk.later.sync(fd));
    }
    return found;
  }

  *#writeExpiry(fd: number, expiresAtMs: number, syncs: boolean): Io<void> {
    const { now, later } = this.#session.around.disk;
    // Within one page and one sector: it is written whole or not at all, and read so.
    yield* answered(now.write(fd, encodeExpiry(expiresAtMs), 0, expiryLength, expiryOffset));
    if (syncs) yield* answered(later.sync(fd));
  }

  /** What a rename did is to last. It is done already, so nothing that fails from here on makes it undone. */
  *#lasting({ place, path, hash }: EntryFile, { owner, own }: Change): Io<void> {
    if (this.#session.durability === "full") {
      yield* afterChange(path, owner.directories.makeDurable(place, own, hash));
    }
  }

  *#place({ path }: EntryFile, change: Change): Io<void> {
    try {
      yield* answered(this.#session.around.disk.now.rename(change.staged ?? "", path));
      change.staged = undefined;
    } catch (error) {
      if (isErrno(error, "EISDIR", "ENOTEMPTY")) throw directoryInPlace(path, error);
      throw error;
    }
  }

  *#write(fd: number, key: EntryKey, value: DriverValue, expiresAtMs: number, deadline: Deadline): Io<void> {
    if (value.length <= smallBytes) {
      const file = encodeEntry(key.address, value, expiresAtMs);
      yield* this.#writeAll(fd, file, 0, deadline);
    } else {
      const bytes = typeof value === "string" ? Buffer.from(value) : value;
      const beginning = encodeBeginning(key.address, bytes.length);
      let checksum = checksumOf(beginning);
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        checksum = checksumWith(piece, checksum);
        yield* this.#writeAll(fd, piece, beginning.length + at, deadline);
      }
      encodeHead(beginning, checksum, expiresAtMs);
      yield* this.#writeAll(fd, beginning, 0, deadline);
    }
    if (this.#syncsFiles) yield* answered(this.#session.around.disk.later.sync(fd));
  }

  *#writeAll(fd: number, bytes: Uint8Array, position: number, deadline: Deadline): Io<void> {
    const { now, later } = this.#session.around.disk;
    const files = bytes.length <= 4 * smallBytes ? now : later;
    for (let at = 0; at < bytes.length; ) {
      at += yield* answered(files.write(fd, bytes, at, bytes.length - at, position + at));
      moveOn(deadline, this.#session.timeoutMs);
    }
  }
}

function liveAt(nowMs: number, found: Found | undefined): Found | undefined {
  return found === undefined || found.expiresAtMs <= nowMs ? undefined : found;
}
