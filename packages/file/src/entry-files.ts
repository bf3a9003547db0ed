import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { DriverValue } from "@kv/core/driver";
import type { Call } from "./call-queue.ts";
import {
  checkedFrom,
  decodeExpiry,
  decodeHead,
  encodeBeginning,
  encodeExpiry,
  expiryLength,
  expiryOffset,
  type Head,
  headLength,
  seal,
} from "./entry-format.ts";
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
import { withFile } from "./file-operations.ts";
import { toRead } from "./files.ts";
import { type Gensync, wait } from "./gensync.ts";
import { type EntryFile, type EntryKey, hashOf } from "./layout.ts";
import type { StoreDirectory } from "./store-directory.ts";

/** Up to here a file is read and written in one request. */
const smallBytes = 64 * 1024;
/** Larger ones are read and written piece by piece. */
const pieceBytes = 1024 * 1024;
/** Enough for the head and most addresses. */
const identifyingBytes = 512;
const mostTries = 5;

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

/** Reads and writes the files of entries, and checks all that it reads. */
export class EntryFiles {
  readonly #directory: StoreDirectory;
  /** What a small file is read into, while nobody else can come in between. */
  readonly #scratch = Buffer.allocUnsafeSlow(smallBytes);
  /** Then the next is likely to be missing too, and it pays to ask first: Node is slow at making the error of `open`. */
  #lastWasMissing = false;

  constructor(directory: StoreDirectory) {
    this.#directory = directory;
  }

  /** The entry, expired or not; its value is its own. */
  *read(key: EntryKey, wanted: Wanted, call: Call): Gensync<Found | undefined> {
    const found = this.readAtOnce(key);
    return found === "later" ? yield* this.readLater(key, wanted, call) : found;
  }

  /** What `read` does where `readAtOnce` cannot. */
  readLater(key: EntryKey, wanted: Wanted, call: Call): Gensync<Found | undefined> {
    return this.#openedAgain(key, (fd) => this.readFrom(fd, key, wanted, call));
  }

  /** What `read` does, for a small file and requests that are done when they return: generators would take as long. */
  readAtOnce(key: EntryKey): Found | undefined | "later" {
    const { now, later } = this.#directory.disk;
    if (now === later) return "later";
    try {
      if (this.#lastWasMissing && now.statAt(key.path) === undefined) return undefined;
      this.#lastWasMissing = false;
      const fd = now.open(key.path, toRead) as number;
      try {
        const length = now.read(fd, this.#scratch, 0, smallBytes, 0) as number;
        return wholeEntry(this.#scratch, length, key) ?? "later";
      } finally {
        now.close(fd) as void;
      }
    } catch (error) {
      if (isErrno(error, "ESTALE")) return "later";
      missingOrThrow(key, error);
      this.#lastWasMissing = true;
      return undefined;
    }
  }

  /** The expiry and the address of whatever entry a file holds, without its value; `undefined` where it is gone. */
  identify(file: EntryFile): Gensync<Identified | undefined> {
    const { now } = this.#directory.disk;
    return this.#openedAgain(file, function* (fd) {
      let buffer = Buffer.allocUnsafe(identifyingBytes);
      let length = yield* wait(now.read(fd, buffer, 0, buffer.length, 0));
      const { expiresAtMs, valueAt } = headOf(buffer, length, file);
      if (valueAt > length && length === buffer.length) {
        if ((yield* wait(now.stat(fd))).size < valueAt) throw corrupt(file.path, lengthIsWrong);
        buffer = Buffer.allocUnsafe(valueAt);
        length = yield* wait(now.read(fd, buffer, 0, valueAt, 0));
      }
      if (valueAt > length) throw corrupt(file.path, lengthIsWrong);
      const address = buffer.toString("utf8", headLength, valueAt);
      if (hashOf(address) !== file.hash) throw anotherEntry(file.path);
      return { expiresAtMs, address };
    });
  }

  /** Works on an open file; `undefined` where there is none. */
  *opened<T>(file: EntryFile, flags: number, work: (fd: number) => Gensync<T>): Gensync<T | undefined> {
    try {
      return yield* withFile(this.#directory.disk.now, file.path, flags, work);
    } catch (error) {
      return missingOrThrow(file, error);
    }
  }

  *readFrom(fd: number, key: EntryKey, wanted: Wanted, call: Call): Gensync<Found> {
    const { now, later } = this.#directory.disk;
    const buffer = now === later ? Buffer.allocUnsafe(smallBytes) : this.#scratch;
    const length = yield* wait(now.read(fd, buffer, 0, smallBytes, 0));
    const whole = wholeEntry(buffer, length, key);
    if (whole !== undefined) return whole;
    const head = headOf(buffer, length, key);
    const beginning = wanted === "value" ? Buffer.from(buffer) : nothing;
    if ((yield* wait(now.stat(fd))).size !== head.fileLength) throw corrupt(key.path, lengthIsWrong);
    if (wanted === "expiry") return { expiresAtMs: head.expiresAtMs, value: nothing };
    return yield* this.#readLarge(fd, key, head, beginning, call);
  }

  /** The expiry in an open file, by itself. */
  *readExpiry(fd: number, { path }: EntryFile): Gensync<number> {
    const bytes = Buffer.alloc(expiryLength);
    yield* wait(this.#directory.disk.now.read(fd, bytes, 0, expiryLength, expiryOffset));
    const expiresAtMs = decodeExpiry(bytes, 0);
    if (typeof expiresAtMs === "string") throw corrupt(path, expiresAtMs);
    return expiresAtMs;
  }

  /** Writes an expiry, within one page and one sector: it is written whole or not at all, and read so. */
  *writeExpiry(fd: number, expiresAtMs: number): Gensync<void> {
    yield* wait(this.#directory.disk.now.write(fd, encodeExpiry(expiresAtMs), 0, expiryLength, expiryOffset));
  }

  /** Writes the whole of a new file, synced if need be. */
  *write(fd: number, key: EntryKey, value: DriverValue, expiresAtMs: number, call: Call): Gensync<void> {
    const { disk, durability } = this.#directory;
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    const beginning = encodeBeginning(key.address, bytes.length);
    let checksum = crc32(beginning.subarray(checkedFrom));
    if (bytes.length <= smallBytes) {
      seal(beginning, crc32(bytes, checksum), expiresAtMs);
      yield* this.#writeAll(fd, Buffer.concat([beginning, bytes]), 0, call);
    } else {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        const piece = bytes.subarray(at, at + pieceBytes);
        checksum = crc32(piece, checksum);
        yield* this.#writeAll(fd, piece, beginning.length + at, call);
      }
      seal(beginning, checksum, expiresAtMs);
      yield* this.#writeAll(fd, beginning, 0, call);
    }
    if (durability !== "none") yield* wait(disk.later.sync(fd));
  }

  *#writeAll(fd: number, bytes: Uint8Array, position: number, call: Call): Gensync<void> {
    const { now, later } = this.#directory.disk;
    const files = bytes.length <= 4 * smallBytes ? now : later;
    for (let at = 0; at < bytes.length; ) {
      call.expectWanted();
      at += yield* wait(files.write(fd, bytes, at, bytes.length - at, position + at));
      if (bytes.length > smallBytes) call.deadline.moveOn();
    }
  }

  /** Over a network a file that was replaced while it was read may be gone from the server: then there is another. */
  *#openedAgain<T>(file: EntryFile, work: (fd: number) => Gensync<T>): Gensync<T | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        return yield* this.opened(file, toRead, work);
      } catch (error) {
        if (!isErrno(error, "ESTALE") || tries === mostTries) throw error;
      }
    }
  }

  /** Piece by piece, each by a thread of the pool, into the array that the caller gets: a copy would take its time. */
  *#readLarge(fd: number, key: EntryKey, head: Head, beginning: Buffer, call: Call): Gensync<Found> {
    const { valueAt, fileLength, expiresAtMs } = head;
    const start = Buffer.from(arrayOf(valueAt, key.path).buffer);
    const value = arrayOf(fileLength - valueAt, key.path);
    beginning.copy(start);
    value.set(beginning.subarray(valueAt));
    let checksum = crc32(beginning.subarray(checkedFrom));
    for (let at = beginning.length, length = 0; at < fileLength; at += length) {
      const [into, intoAt] = at < valueAt ? [start, at] : [value, at - valueAt];
      const most = Math.min(pieceBytes, into.length - intoAt);
      length = yield* wait(this.#directory.disk.later.read(fd, into, intoAt, most, at));
      if (length === 0) throw corrupt(key.path, "it is cut off");
      checksum = crc32(into.subarray(intoAt, intoAt + length), checksum);
      call.expectWanted();
      call.deadline.moveOn();
    }
    expectOf(key, head, checksum, start);
    return { expiresAtMs, value };
  }
}

const nothing = Buffer.alloc(0);
const lengthIsWrong = "its length is not what it should be";

/** What it means that a file could not be opened or read: nothing is there, or something else is. */
function missingOrThrow({ path }: EntryFile, error: unknown): undefined {
  if (isMissing(error)) return undefined;
  if (isErrno(error, "EISDIR")) throw directoryInPlace(path, error);
  if (isErrno(error, "ELOOP")) throw corrupt(path, "a symbolic link stands in its place", error);
  if (isNoFile(error)) throw corrupt(path, "something else stands in its place", error);
  if (isFileError(error)) error.path ??= path;
  throw error;
}

function headOf(file: Buffer, length: number, { path }: EntryFile): Head {
  const head = decodeHead(file, length);
  if (typeof head === "string") throw corrupt(path, head);
  return head;
}

/** The entry whose file begins with so many bytes; `undefined` where there are more. */
function wholeEntry(file: Buffer, length: number, key: EntryKey): Found | undefined {
  const head = headOf(file, length, key);
  if (length === smallBytes && head.fileLength > smallBytes) return undefined;
  if (length !== head.fileLength) throw corrupt(key.path, lengthIsWrong);
  expectOf(key, head, crc32(file.subarray(checkedFrom, length)), file);
  return { expiresAtMs: head.expiresAtMs, value: new Uint8Array(file.subarray(head.valueAt, length)) };
}

/** The entry of a key is whole, and is that key's. */
function expectOf(
  { path, address }: EntryKey,
  { checksum, valueAt }: Head,
  found: number,
  start: Buffer,
): void {
  if (checksum !== found) throw corrupt(path, "its checksum does not fit");
  if (start.toString("utf8", headLength, valueAt) !== address) throw anotherEntry(path);
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
