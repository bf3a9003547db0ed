import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

// The format of an entry's file, frozen (N7): see PROTOCOL.md. Renewal writes the 8 bytes at offset 8 again, in one
// aligned write; nothing else ever changes in a file.

export const headerLength = 32;
export const expiryOffset = 8;
export const expiryLength = 8;
/** The checksum covers the file from here on. */
export const checksumStart = 16;

const magic = 0x4b564601; // "KVF", 1
const never = 2 ** 48 - 1;

/** The first bytes of an entry's file, decoded. */
export interface Header {
  /** `Infinity` for never. */
  readonly expiresAtMs: number;
  readonly valueOffset: number;
  readonly fileLength: number;
  readonly checksum: number;
}

/** Encodes the file of an entry up to its value. It is not whole before `seal`. */
export function encodeHeader(address: string, valueLength: number): Buffer {
  const addressLength = Buffer.byteLength(address);
  const header = Buffer.alloc(headerLength + addressLength);
  header.writeUInt32BE(magic, 0);
  header.writeUInt32BE(addressLength, 16);
  header.writeUIntBE(valueLength, 26, 6);
  header.write(address, headerLength);
  return header;
}

/** Completes a header: only then what follows it is an entry. */
export function seal(header: Buffer, checksum: number, expiresAtMs: number): void {
  header.writeUInt32BE(checksum, 4);
  encodeExpiry(expiresAtMs).copy(header, expiryOffset);
}

/** Encodes the 8 bytes of an expiry. */
export function encodeExpiry(expiresAtMs: number): Buffer {
  const bytes = Buffer.alloc(expiryLength);
  bytes.writeUIntBE(Math.min(expiresAtMs, never), 0, 6);
  bytes.writeUInt16BE(expiryChecksum(bytes, 0), 6);
  return bytes;
}

/** Decodes the header of an entry's file, or tells in a few words what is wrong with it. */
export function decodeHeader(file: Buffer, length: number): Header | string {
  if (length < headerLength) return length === 0 ? "it is empty" : "it is cut off";
  const found = file.readUInt32BE(0);
  if (found !== magic) {
    return found >>> 8 === magic >>> 8
      ? "it was written by a later version"
      : "it does not begin as an entry does";
  }
  const expiresAtMs = decodeExpiry(file, expiryOffset);
  if (typeof expiresAtMs === "string") return expiresAtMs;
  if (file.readUInt32BE(20) !== 0 || file.readUInt16BE(24) !== 0) return "its lengths are damaged";
  const valueOffset = headerLength + file.readUInt32BE(16);
  return {
    expiresAtMs,
    valueOffset,
    fileLength: valueOffset + file.readUIntBE(26, 6),
    checksum: file.readUInt32BE(4),
  };
}

/** Decodes an expiry, or tells in a few words what is wrong with it. */
export function decodeExpiry(bytes: Buffer, at: number): number | string {
  if (bytes.readUInt16BE(at + 6) !== expiryChecksum(bytes, at)) return "its expiry is damaged";
  const expiresAtMs = bytes.readUIntBE(at, 6);
  return expiresAtMs === never ? Number.POSITIVE_INFINITY : expiresAtMs;
}

function expiryChecksum(bytes: Buffer, at: number): number {
  return crc32(bytes.subarray(at, at + 6)) & 0xffff;
}
