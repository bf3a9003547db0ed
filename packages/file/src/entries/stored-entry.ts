import type { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import {
  corrupt,
  directoryInTheWay,
  isErrno,
  isFileError,
  isNotFound,
  isNotRegularFile,
  wrongEntry,
} from "../errors/errors.ts";
import { checksumStart, decodeHeader, type Header, headerLength } from "../format/entry-format.ts";
import type { EntryFile, EntryKey } from "../format/layout.ts";

/** An entry as its file holds it, expired or not. */
export interface StoredEntry {
  /** `Infinity` for never. */
  readonly expiresAtMs: number;
  /** Its own bytes; empty where a large one was not asked for. */
  readonly value: Uint8Array;
}

/** The part of an entry that a caller needs. A small one is read whole anyway, and all of it is checked. */
export type Projection = "value" | "expiry";

/** Up to this size a file is read and written in one request. */
export const smallFileBytes: number = 64 * 1024;
/** Larger files are read and written in chunks. */
export const chunkBytes: number = 1024 * 1024;

/** Returns an entry unless it has expired by then. */
export function liveAt(nowMs: number, entry: StoredEntry | undefined): StoredEntry | undefined {
  return entry === undefined || entry.expiresAtMs <= nowMs ? undefined : entry;
}

/** Decodes the file of an entry that begins with these bytes, and checks all of it; `undefined` where it has more. */
export function decodeEntry(file: Buffer, length: number, key: EntryKey): StoredEntry | undefined {
  const header = requireHeader(file, length, key);
  if (length === smallFileBytes && header.fileLength > smallFileBytes) return undefined;
  if (length !== header.fileLength) throw wrongLength(key);
  verifyEntry(key, header, crc32(file.subarray(checksumStart, length)), file);
  return {
    expiresAtMs: header.expiresAtMs,
    value: new Uint8Array(file.subarray(header.valueOffset, length)),
  };
}

/** Throws unless the entry of a key is whole, and is that key's. */
export function verifyEntry(
  { path, address }: EntryKey,
  { checksum, valueOffset }: Header,
  computed: number,
  start: Buffer,
): void {
  if (checksum !== computed) throw corrupt(path, "its checksum does not match");
  if (start.toString("utf8", headerLength, valueOffset) !== address) throw wrongEntry(path);
}

/** Decodes the header of an entry's file, or throws. */
export function requireHeader(file: Buffer, length: number, { path }: EntryFile): Header {
  const header = decodeHeader(file, length);
  if (typeof header === "string") throw corrupt(path, header);
  return header;
}

export function wrongLength({ path }: EntryFile): Error {
  return corrupt(path, "its length is wrong");
}

/** Returns `undefined` where an entry's file could not be opened since there is none, and throws for all else. */
export function missingOrThrow({ path }: EntryFile, error: unknown): undefined {
  if (isNotFound(error)) return undefined;
  if (isErrno(error, "EISDIR")) throw directoryInTheWay(path, error);
  if (isErrno(error, "ELOOP")) throw corrupt(path, "it is a symbolic link", error);
  if (isNotRegularFile(error)) throw corrupt(path, "it is not a regular file", error);
  if (isFileError(error)) error.path ??= path;
  throw error;
}
