import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

// The format of an entry's file, frozen (N7): see PROTOCOL.md. Renewal writes the 8 bytes at offset 8 again, in one
// aligned write; nothing else ever changes in a file.

export const headLength = 32;
export const expiryOffset = 8;
export const expiryLength = 8;
/** Where what the checksum covers begins. */
export const checkedFrom = 16;

const magic = 0x4b564601; // "KVF", 1
const never = 2 ** 48 - 1;

export interface Head {
  /** `Infinity` for never. */
  readonly expiresAtMs: number;
  readonly valueAt: number;
  readonly fileLength: number;
  readonly checksum: number;
}

/** The file of an entry up to its value. It is not whole before `seal`. */
export function encodeBeginning(address: string, valueLength: number): Buffer {
  const addressLength = Buffer.byteLength(address);
  const beginning = Buffer.alloc(headLength + addressLength);
  beginning.writeUInt32BE(magic, 0);
  beginning.writeUInt32BE(addressLength, 16);
  beginning.writeUIntBE(valueLength, 26, 6);
  beginning.write(address, headLength);
  return beginning;
}

export function seal(file: Buffer, checksum: number, expiresAtMs: number): void {
  file.writeUInt32BE(checksum, 4);
  encodeExpiry(expiresAtMs).copy(file, expiryOffset);
}

/** The 8 bytes of an expiry. */
export function encodeExpiry(expiresAtMs: number): Buffer {
  const bytes = Buffer.alloc(expiryLength);
  bytes.writeUIntBE(Math.min(expiresAtMs, never), 0, 6);
  bytes.writeUInt16BE(checkOf(bytes, 0), 6);
  return bytes;
}

/** The head of an entry, or in a few words what is wrong with it. */
export function decodeHead(file: Buffer, length: number): Head | string {
  if (length < headLength) return length === 0 ? "it is empty" : "it is cut off";
  const begins = file.readUInt32BE(0);
  if (begins !== magic) {
    return begins >>> 8 === magic >>> 8
      ? "it was written by a later version"
      : "it does not begin as an entry does";
  }
  const expiresAtMs = decodeExpiry(file, expiryOffset);
  if (typeof expiresAtMs === "string") return expiresAtMs;
  if (file.readUInt32BE(20) !== 0 || file.readUInt16BE(24) !== 0) return "its lengths are damaged";
  const valueAt = headLength + file.readUInt32BE(16);
  return {
    expiresAtMs,
    valueAt,
    fileLength: valueAt + file.readUIntBE(26, 6),
    checksum: file.readUInt32BE(4),
  };
}

export function decodeExpiry(bytes: Buffer, at: number): number | string {
  if (bytes.readUInt16BE(at + 6) !== checkOf(bytes, at)) return "its expiry is damaged";
  const expiresAtMs = bytes.readUIntBE(at, 6);
  return expiresAtMs === never ? Number.POSITIVE_INFINITY : expiresAtMs;
}

function checkOf(bytes: Buffer, at: number): number {
  return crc32(bytes.subarray(at, at + 6)) & 0xffff;
}
