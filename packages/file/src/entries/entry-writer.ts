import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { DriverValue } from "@kv/core/driver";
import type { Call } from "../calls/call.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import {
  checksumStart,
  encodeExpiry,
  encodeHeader,
  expiryLength,
  expiryOffset,
  seal,
} from "../format/entry-format.ts";
import type { EntryKey } from "../format/layout.ts";
import type { StoreDirectory } from "../ownership/store-directory.ts";
import { chunkBytes, smallFileBytes } from "./stored-entry.ts";

/** An entry that is to be written. */
export interface NewEntry {
  readonly value: DriverValue;
  /** `Infinity` for never. */
  readonly expiresAtMs: number;
}

/** Writes the files of entries. */
export class EntryWriter {
  readonly #directory: StoreDirectory;

  constructor(directory: StoreDirectory) {
    this.#directory = directory;
  }

  /** Returns what writes the whole of a new, open file. */
  writing(key: EntryKey, entry: NewEntry, call: Call): (fd: number) => Gensync<void> {
    return (fd) => this.#write(fd, key, entry, call);
  }

  /** Writes an expiry, within one page and one sector: it is written whole or not at all, and read so. */
  writeExpiry(fd: number, expiresAtMs: number): Gensync<number> {
    const bytes = encodeExpiry(expiresAtMs);
    return wait(this.#directory.disk.inline.write(fd, bytes, 0, expiryLength, expiryOffset));
  }

  /** Writes the whole of a new file, and syncs it unless nothing is to outlast a power cut. */
  *#write(fd: number, key: EntryKey, { value, expiresAtMs }: NewEntry, call: Call): Gensync<void> {
    const { disk, durability } = this.#directory;
    const bytes = typeof value === "string" ? Buffer.from(value) : value;
    const header = encodeHeader(key.address, bytes.length);
    let checksum = crc32(header.subarray(checksumStart));
    if (bytes.length <= smallFileBytes) {
      seal(header, crc32(bytes, checksum), expiresAtMs);
      yield* this.#writeAll(fd, Buffer.concat([header, bytes]), 0, call);
    } else {
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        const chunk = bytes.subarray(at, at + chunkBytes);
        checksum = crc32(chunk, checksum);
        yield* this.#writeAll(fd, chunk, header.length + at, call);
      }
      seal(header, checksum, expiresAtMs);
      yield* this.#writeAll(fd, header, 0, call);
    }
    if (durability !== "none") yield* wait(disk.pooled.sync(fd));
  }

  *#writeAll(fd: number, bytes: Uint8Array, position: number, call: Call): Gensync<void> {
    const { inline, pooled } = this.#directory.disk;
    const files = bytes.length <= 4 * smallFileBytes ? inline : pooled;
    for (let at = 0; at < bytes.length; ) {
      call.throwIfAbandoned();
      at += yield* wait(files.write(fd, bytes, at, bytes.length - at, position + at));
      if (bytes.length > smallFileBytes) call.deadline.extend();
    }
  }
}
