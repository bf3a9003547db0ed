import { Buffer } from "node:buffer";
import { withFile } from "./directories.ts";
import {
  checksumOf,
  checksumWith,
  decodeAddress,
  decodeHead,
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
  tooLarge,
} from "./errors.ts";
import { toRead } from "./files.ts";
import { descriptors } from "./gate.ts";
import { answered, type Io } from "./io.ts";
import { type EntryFile, type EntryKey, hashOf } from "./layout.ts";
import { type Deadline, moveOn } from "./locks.ts";
import type { Session } from "./session.ts";

/** Up to here a file is read and written in one synchronous call. */
export const smallBytes: number = 64 * 1024;
/** Larger ones are read and written piece by piece. */
export const pieceBytes: number = 1024 * 1024;
/** Enough for the head and most addresses. */
const identifyingBytes = 512;

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

/** Reads the files of entries, and checks all that it reads. */
export class EntryReader {
  readonly #session: Session;
  /** What a small file is read into, while nobody else can come in between. */
  readonly #scratch = Buffer.allocUnsafeSlow(smallBytes);
  /** Then the next is likely to be missing too, and it pays to ask first: Node is slow at making the error of `open`. */
  #lastWasMissing = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** The entry, expired or not; its value is its own. */
  *read(key: EntryKey, wanted: Wanted, deadline: Deadline): Io<Found | undefined> {
    const found = this.readAtOnce(key);
    return found === "later" ? yield* this.readLater(key, wanted, deadline) : found;
  }

  /** What `read` does where `readAtOnce` cannot. */
  *readLater(key: EntryKey, wanted: Wanted, deadline: Deadline): Io<Found | undefined> {
    return yield* this.opened(key, toRead, (fd) => this.readFrom(fd, key, wanted, deadline));
  }

  /** What `read` does, for a small file and calls that are done when they return: generators would take as long. */
  readAtOnce(key: EntryKey): Found | undefined | "later" {
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
        now.close(fd) as void;
      }
    } catch (error) {
      missingOrThrow(key, error);
      this.#lastWasMissing = true;
      return undefined;
    }
  }

  /** The head and the address of whatever entry a file holds, without its value; `undefined` where it is gone. */
  *identify(file: EntryFile): Io<Identified | undefined> {
    const { now } = this.#session.around.disk;
    return yield* this.opened(file, toRead, function* (fd) {
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

  *opened<T>(key: EntryFile, flags: number, work: (fd: number) => Io<T>): Io<T | undefined> {
    try {
      return yield* withFile(this.#session.around.disk.now, key.path, flags, work);
    } catch (error) {
      return missingOrThrow(key, error);
    }
  }

  *readFrom(fd: number, key: EntryKey, wanted: Wanted, deadline: Deadline): Io<Found> {
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
      moveOn(deadline, this.#session.timeoutMs);
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
