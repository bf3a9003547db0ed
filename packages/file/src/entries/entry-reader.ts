import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { Call } from "../calls/call.ts";
import { withFile } from "../disk/file-operations.ts";
import { readFlags } from "../disk/file-system.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import { corrupt, isErrno, tooLarge, wrongEntry } from "../errors/errors.ts";
import {
  checksumStart,
  decodeExpiry,
  expiryLength,
  expiryOffset,
  type Header,
  headerLength,
} from "../format/entry-format.ts";
import { type EntryFile, type EntryKey, hashOf } from "../format/layout.ts";
import type { StoreDirectory } from "../ownership/store-directory.ts";
import {
  chunkBytes,
  decodeEntry,
  missingOrThrow,
  type Projection,
  requireHeader,
  type StoredEntry,
  smallFileBytes,
  verifyEntry,
  wrongLength,
} from "./stored-entry.ts";

/** Enough for the header and most addresses. */
const headerReadBytes = 512;
const maxAttempts = 5;

/** An entry without its value. */
export interface EntryHeader {
  readonly expiresAtMs: number;
  readonly address: string;
}

/** Reads the files of entries, and checks all that it reads. */
export class EntryReader {
  readonly #directory: StoreDirectory;
  /** Holds a small file while it is decoded: nobody else can come in between. */
  readonly #scratch = Buffer.allocUnsafeSlow(smallFileBytes);
  /** If so, the next is likely to be missing too, and it pays to ask first: Node makes the error of `open` slowly. */
  #lastWasMissing = false;

  constructor(directory: StoreDirectory) {
    this.#directory = directory;
  }

  /** Reads an entry, expired or not; its value is its own. */
  *read(key: EntryKey, projection: Projection, call: Call): Gensync<StoredEntry | undefined> {
    const entry = this.readSync(key);
    return entry === "needs async" ? yield* this.readAsync(key, projection, call) : entry;
  }

  /** Does what `read` does where `readSync` cannot. */
  readAsync(key: EntryKey, projection: Projection, call: Call): Gensync<StoredEntry | undefined> {
    return this.#withEntryRetried(key, (fd) => this.readOpen(fd, key, projection, call));
  }

  /** Does what `read` does, for a small file on a local disk: generators would take as long as the disk. */
  readSync(key: EntryKey): StoredEntry | undefined | "needs async" {
    const { inline, pooled } = this.#directory.disk;
    if (inline === pooled) return "needs async";
    try {
      if (this.#lastWasMissing && inline.statAt(key.path) === undefined) return undefined;
      this.#lastWasMissing = false;
      const fd = inline.open(key.path, readFlags) as number;
      try {
        const length = inline.read(fd, this.#scratch, 0, smallFileBytes, 0) as number;
        return decodeEntry(this.#scratch, length, key) ?? "needs async";
      } finally {
        inline.close(fd) as void;
      }
    } catch (error) {
      if (isErrno(error, "ESTALE")) return "needs async";
      missingOrThrow(key, error);
      this.#lastWasMissing = true;
      return undefined;
    }
  }

  /** Reads the expiry and the address of whatever entry a file holds; `undefined` where the file is gone. */
  readHeader(file: EntryFile): Gensync<EntryHeader | undefined> {
    const { inline } = this.#directory.disk;
    return this.#withEntryRetried(file, function* (fd) {
      let buffer = Buffer.allocUnsafe(headerReadBytes);
      let length = yield* wait(inline.read(fd, buffer, 0, buffer.length, 0));
      const { expiresAtMs, valueOffset } = requireHeader(buffer, length, file);
      if (valueOffset > length && length === buffer.length) {
        if ((yield* wait(inline.stat(fd))).size < valueOffset) throw wrongLength(file);
        buffer = Buffer.allocUnsafe(valueOffset);
        length = yield* wait(inline.read(fd, buffer, 0, valueOffset, 0));
      }
      if (valueOffset > length) throw wrongLength(file);
      const address = buffer.toString("utf8", headerLength, valueOffset);
      if (hashOf(address) !== file.hash) throw wrongEntry(file.path);
      return { expiresAtMs, address };
    });
  }

  /** Works on the open file of an entry; returns `undefined` where there is none. */
  *withEntry<T>(file: EntryFile, flags: number, work: (fd: number) => Gensync<T>): Gensync<T | undefined> {
    try {
      return yield* withFile(this.#directory.disk.inline, file.path, flags, work);
    } catch (error) {
      return missingOrThrow(file, error);
    }
  }

  /** Reads an entry from its open file. */
  *readOpen(fd: number, key: EntryKey, projection: Projection, call: Call): Gensync<StoredEntry> {
    const { inline, pooled } = this.#directory.disk;
    const buffer = inline === pooled ? Buffer.allocUnsafe(smallFileBytes) : this.#scratch;
    const length = yield* wait(inline.read(fd, buffer, 0, smallFileBytes, 0));
    const small = decodeEntry(buffer, length, key);
    if (small !== undefined) return small;
    const header = requireHeader(buffer, length, key);
    const beginning = projection === "value" ? Buffer.from(buffer) : noBytes;
    if ((yield* wait(inline.stat(fd))).size !== header.fileLength) throw wrongLength(key);
    if (projection === "expiry") return { expiresAtMs: header.expiresAtMs, value: noBytes };
    return yield* this.#readLarge(fd, key, header, beginning, call);
  }

  /** Reads the expiry in an open file by itself. */
  *readExpiry(fd: number, { path }: EntryFile): Gensync<number> {
    const bytes = Buffer.alloc(expiryLength);
    yield* wait(this.#directory.disk.inline.read(fd, bytes, 0, expiryLength, expiryOffset));
    const expiresAtMs = decodeExpiry(bytes, 0);
    if (typeof expiresAtMs === "string") throw corrupt(path, expiresAtMs);
    return expiresAtMs;
  }

  /** Over a network a file that was replaced while it was read may be gone from the server: then there is another. */
  *#withEntryRetried<T>(file: EntryFile, work: (fd: number) => Gensync<T>): Gensync<T | undefined> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return yield* this.withEntry(file, readFlags, work);
      } catch (error) {
        if (!isErrno(error, "ESTALE") || attempts === maxAttempts) throw error;
      }
    }
  }

  /** Reads in chunks, each by a thread of the pool, into the array that the caller gets: a copy would take its time. */
  *#readLarge(
    fd: number,
    key: EntryKey,
    header: Header,
    beginning: Buffer,
    call: Call,
  ): Gensync<StoredEntry> {
    const { valueOffset, fileLength, expiresAtMs } = header;
    const start = Buffer.from(allocate(valueOffset, key.path).buffer);
    const value = allocate(fileLength - valueOffset, key.path);
    beginning.copy(start);
    value.set(beginning.subarray(valueOffset));
    let checksum = crc32(beginning.subarray(checksumStart));
    for (let at = beginning.length, length = 0; at < fileLength; at += length) {
      const [into, intoAt] = at < valueOffset ? [start, at] : [value, at - valueOffset];
      const most = Math.min(chunkBytes, into.length - intoAt);
      length = yield* wait(this.#directory.disk.pooled.read(fd, into, intoAt, most, at));
      if (length === 0) throw corrupt(key.path, "it is cut off");
      checksum = crc32(into.subarray(intoAt, intoAt + length), checksum);
      call.throwIfAbandoned();
      call.deadline.extend();
    }
    verifyEntry(key, header, checksum, start);
    return { expiresAtMs, value };
  }
}

const noBytes = Buffer.alloc(0);

/** For a file that was written where there was more memory, or that only claims its size, there may be none. */
function allocate(length: number, path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(path, length, error);
    throw error;
  }
}
