import { Buffer } from "node:buffer";
import type { DriverValue } from "@kv/core/driver";
import { afterChange } from "./after-change.ts";
import { type Change, Replaced } from "./changes.ts";
import { discard, makeDirectories, withFile } from "./directories.ts";
import {
  checksumOf,
  checksumWith,
  decodeAddress,
  decodeHead,
  encodeBeginning,
  encodeEntry,
  encodeExpiry,
  encodeHead,
  expiryLength,
  expiryOffset,
  fileLength,
  type Head,
  headLength,
} from "./entry.ts";
import {
  anotherEntry,
  corrupt,
  directoryInPlace,
  isErrno,
  isFileError,
  isMissing,
  isNoFile,
  perhapsNotDurable,
  tooLarge,
} from "./errors.ts";
import { toChange, toCreate, toRead } from "./files.ts";
import { descriptors } from "./gate.ts";
import { answered, type Io } from "./io.ts";
import { addressOf, entryPath, folderOf, hashOf, type Place } from "./layout.ts";
import type { Deadline } from "./locks.ts";
import type { Session } from "./session.ts";

/** Up to here a file is read and written in one synchronous call. */
export const smallBytes: number = 64 * 1024;
const pieceBytes = 1024 * 1024;
/** Enough for the head and most addresses. */
const identifyingBytes = 512;

/** Where the file of an entry belongs. */
export interface EntryFile {
  readonly place: Place;
  readonly hash: string;
  readonly path: string;
}

/** An entry's file, and what must stand in it. */
export interface EntryKey extends EntryFile {
  readonly address: string;
}

export interface Found {
  /** `Infinity` for never. */
  readonly expiresAtMs: number;
  /** Its own bytes; empty where a large one was not asked for. */
  readonly value: Uint8Array;
}

export interface Identified {
  readonly expiresAtMs: number;
  readonly address: string;
}

/** What a caller needs to know of an entry. A small one is read whole anyway, and all of it is checked. */
export type Wanted = "value" | "expiry";

export function entryKey(place: Place, key: string): EntryKey {
  const address = addressOf(place, key);
  const hash = hashOf(address);
  return { place, address, hash, path: entryPath(place, hash) };
}

/** Reading, writing and removing the files of entries. */
export class Entries {
  readonly #session: Session;
  /** What a small file is read into, while nobody else can come in between. */
  readonly #scratch = Buffer.allocUnsafeSlow(smallBytes);
  /** Then the next is likely to be missing too, and it pays to ask first: Node is slow at making the error of `open`. */
  #lastWasMissing = false;

  constructor(session: Session) {
    this.#session = session;
  }

  now(): number {
    return this.#session.around.now();
  }

  /** The end of a life that begins now. */
  endOf(lifeMs: number): number {
    return lifeMs === Number.POSITIVE_INFINITY ? lifeMs : this.now() + lifeMs;
  }

  /** The entry, expired or not; its value is its own. */
  *read(key: EntryKey, wanted: Wanted, deadline: Deadline): Io<Found | undefined> {
    const found = this.#readAtOnce(key);
    if (found !== "later") return found;
    return yield* this.#opened(key, toRead, (fd) => this.#readFrom(fd, key, wanted, deadline));
  }

  /**
   * The entry if it had not expired when this began: by then it was there, whatever others do while it is read.
   * Needs no lock: a file never changes but in its expiry, which is read and written in one piece.
   */
  *live(key: EntryKey, wanted: Wanted, deadline: Deadline): Io<Found | undefined> {
    const nowMs = this.now();
    const found = yield* this.read(key, wanted, deadline);
    return found === undefined || found.expiresAtMs <= nowMs ? undefined : found;
  }

  /** The same, if it can be had without waiting: `later` if not. */
  liveAtOnce(key: EntryKey, nowMs: number): Found | undefined | "later" {
    const found = this.#readAtOnce(key);
    return found === undefined || found === "later" || found.expiresAtMs > nowMs ? found : undefined;
  }

  /** The head and the address of whatever entry a file holds, without its value; `undefined` where it is gone. */
  *identify(file: EntryFile): Io<Identified | undefined> {
    const { now } = this.#session.around.disk;
    return yield* this.#opened(file, toRead, function* (fd) {
      let buffer = Buffer.allocUnsafe(identifyingBytes);
      let length = yield* answered(now.read(fd, buffer, 0, buffer.length, 0));
      const head = decodeHead(buffer, length);
      if (typeof head === "string") throw corrupt(file.path, head);
      const needed = headLength + head.addressLength;
      if (needed > length && length === buffer.length) {
        if ((yield* answered(now.stat(fd))).size < needed) throw corrupt(file.path, lengthIsWrong);
        buffer = Buffer.allocUnsafe(needed);
        length = yield* answered(now.read(fd, buffer, 0, needed, 0));
      }
      if (needed > length) throw corrupt(file.path, lengthIsWrong);
      const address = decodeAddress(buffer, head);
      if (hashOf(address) !== file.hash) throw anotherEntry(file.path);
      return { expiresAtMs: head.expiresAtMs, address };
    });
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
      return yield* this.#opened(key, toChange, (fd) =>
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
    const found = yield* this.#readFrom(fd, key, wanted, deadline);
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

  /** What `read` does, for a small file and calls that are done when they return: generators would take as long. */
  #readAtOnce(key: EntryKey): Found | undefined | "later" {
    const { now, later } = this.#session.around.disk;
    if (now === later || descriptors.isFull) return "later";
    try {
      if (this.#lastWasMissing && now.statAt(key.path) === undefined) return undefined;
      this.#lastWasMissing = false;
      const fd = now.open(key.path, toRead) as number;
      try {
        const length = now.read(fd, this.#scratch, 0, smallBytes, 0) as number;
        const head = decodeHead(this.#scratch, length);
        if (typeof head === "string") throw corrupt(key.path, head);
        if (length === smallBytes && fileLength(head) > smallBytes) return "later";
        return this.#checked(this.#scratch.subarray(0, length), key, head);
      } finally {
        void now.close(fd);
      }
    } catch (error) {
      missingOrThrow(key, error);
      this.#lastWasMissing = true;
      return undefined;
    }
  }

  *#opened<T>(key: EntryFile, flags: number, work: (fd: number) => Io<T>): Io<T | undefined> {
    try {
      return yield* withFile(this.#session.around.disk.now, key.path, flags, work);
    } catch (error) {
      return missingOrThrow(key, error);
    }
  }

  *#readFrom(fd: number, key: EntryKey, wanted: Wanted, deadline: Deadline): Io<Found> {
    const { now, later } = this.#session.around.disk;
    const buffer = now === later ? Buffer.allocUnsafe(smallBytes) : this.#scratch;
    const length = yield* answered(now.read(fd, buffer, 0, smallBytes, 0));
    const head = decodeHead(buffer, length);
    if (typeof head === "string") throw corrupt(key.path, head);
    if (length === smallBytes && fileLength(head) > smallBytes) {
      const { size } = yield* answered(now.stat(fd));
      if (size !== fileLength(head)) throw corrupt(key.path, lengthIsWrong);
      if (wanted === "expiry") return { expiresAtMs: head.expiresAtMs, value: nothing };
      return yield* this.#readLarge(fd, key, head, Buffer.from(buffer), deadline);
    }
    return this.#checked(buffer.subarray(0, length), key, head);
  }

  /** Piece by piece, each by a thread of the pool, into the array that the caller gets: a copy would take its time. */
  *#readLarge(fd: number, key: EntryKey, head: Head, beginning: Buffer, deadline: Deadline): Io<Found> {
    const { later } = this.#session.around.disk;
    const size = fileLength(head);
    const valueAt = headLength + head.addressLength;
    const start = Buffer.from(arrayOf(valueAt, key.path).buffer);
    const value = arrayOf(head.valueLength, key.path);
    beginning.copy(start);
    value.set(beginning.subarray(valueAt));
    let checksum = checksumOf(beginning);
    for (let at = beginning.length, length = 0; at < size; at += length) {
      const [into, intoAt] = at < valueAt ? [start, at] : [value, at - valueAt];
      const most = Math.min(pieceBytes, into.length - intoAt);
      length = yield* answered(later.read(fd, into, intoAt, most, at));
      if (length === 0) throw corrupt(key.path, "it is cut off");
      checksum = checksumWith(into.subarray(intoAt, intoAt + length), checksum);
      this.#moved(deadline);
    }
    expectOf(key, head, checksum, start);
    return { expiresAtMs: head.expiresAtMs, value };
  }

  #checked(file: Buffer, key: EntryKey, head: Head): Found {
    if (file.length !== fileLength(head)) throw corrupt(key.path, lengthIsWrong);
    expectOf(key, head, checksumOf(file), file);
    const value = file.subarray(headLength + head.addressLength);
    return { expiresAtMs: head.expiresAtMs, value: new Uint8Array(value) };
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
      this.#moved(deadline);
    }
  }

  /** A large value takes its time: the deadline counts for each piece of it. */
  #moved(deadline: Deadline): void {
    deadline.untilMs = performance.now() + this.#session.timeoutMs;
  }
}

/** What it means that a file could not be opened or read: nothing is there, or something else is. */
function missingOrThrow({ path }: EntryFile, error: unknown): undefined {
  if (isMissing(error)) return undefined;
  if (isErrno(error, "EISDIR")) throw directoryInPlace(path, error);
  if (isErrno(error, "ELOOP")) throw corrupt(path, "a symbolic link stands in its place", error);
  if (isNoFile(error)) throw corrupt(path, "something else stands in its place", error);
  if (isFileError(error)) error.path ??= path;
  throw error;
}

/** The entry of a key is whole, and is that key's. */
function expectOf({ path, address }: EntryKey, head: Head, checksum: number, start: Buffer): void {
  if (checksum !== head.checksum) throw corrupt(path, "its checksum does not fit");
  if (decodeAddress(start, head) !== address) throw anotherEntry(path);
}

/** For a file that was written where there was more memory, or that only claims its size, there may be none. */
function arrayOf(length: number, path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(path, length, error);
    throw error;
  }
}

const nothing = new Uint8Array(0);
const lengthIsWrong = "its length is not what it should be";
