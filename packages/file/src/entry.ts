import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/**
 * The format of an entry's file, frozen (N7); all numbers big-endian:
 *
 *     0   4  magic "KVF" and the version, 1
 *     4   4  crc32 of all from byte 16 on
 *     8   6  when it expires, in milliseconds since 1970; all ones for never
 *    14   2  the lower half of the crc32 of the 6 bytes before
 *    16   4  length of the address
 *    20   4  zero
 *    24   8  length of the value
 *    32      the address in UTF-8 (see layout.ts), then the value
 *
 * Renewal writes the 8 bytes at offset 8 anew, in one aligned write; nothing else ever changes in a file.
 */
export const headLength = 32;
export const expiryOffset = 8;
export const expiryLength = 8;

const magic = 0x4b564601; // "KVF", 1
const checkedFrom = 16;
const never = 2 ** 48 - 1;

export interface Head {
  /** `Infinity` for never. */
  readonly expiresAtMs: number;
  readonly addressLength: number;
  readonly valueLength: number;
  readonly checksum: number;
}

/** The file of an entry. */
export function encodeEntry(address: string, value: Uint8Array | string, expiresAtMs: number): Buffer {
  const addressLength = Buffer.byteLength(address);
  const valueLength = typeof value === "string" ? Buffer.byteLength(value) : value.length;
  const file = Buffer.allocUnsafe(headLength + addressLength + valueLength);
  file.write(address, headLength);
  if (typeof value === "string") file.write(value, headLength + addressLength);
  else file.set(value, headLength + addressLength);
  encodeLengths(file, addressLength, valueLength);
  encodeHead(file, crc32(file.subarray(checkedFrom)), expiresAtMs);
  return file;
}

/** The beginning of the file of an entry, up to the value, whose checksum is still to come: see `encodeHead`. */
export function encodeBeginning(address: string, valueLength: number): Buffer {
  const addressLength = Buffer.byteLength(address);
  const beginning = Buffer.alloc(headLength + addressLength);
  beginning.write(address, headLength);
  encodeLengths(beginning, addressLength, valueLength);
  return beginning;
}

export function encodeHead(file: Buffer, checksum: number, expiresAtMs: number): void {
  file.writeUInt32BE(magic, 0);
  file.writeUInt32BE(checksum, 4);
  encodeExpiryAt(file, expiryOffset, expiresAtMs);
}

/** The 8 bytes of an expiry. */
export function encodeExpiry(expiresAtMs: number): Buffer {
  const bytes = Buffer.alloc(expiryLength);
  encodeExpiryAt(bytes, 0, expiresAtMs);
  return bytes;
}

/** The checksum of a file that is looked at piece by piece, in order, from its beginning. */
export function checksumOf(beginning: Buffer): number {
  return crc32(beginning.subarray(checkedFrom));
}

export function checksumWith(piece: Uint8Array, before: number): number {
  return crc32(piece, before);
}

/** The head of an entry, or in a few words what is wrong with it. */
export function decodeHead(file: Buffer, length: number): Head | string {
  if (length < headLength) return length === 0 ? "it is empty" : "it is cut off";
  if (file.readUInt32BE(0) !== magic) {
    return file.readUInt32BE(0) >>> 8 === magic >>> 8
      ? "it was written by a later version"
      : "it does not begin as an entry does";
  }
  const expiry = file.readUIntBE(expiryOffset, 6);
  if (file.readUInt16BE(expiryOffset + 6) !== checkOfExpiry(file, expiryOffset))
    return "its expiry is damaged";
  if (file.readUInt32BE(20) !== 0 || file.readUInt16BE(24) !== 0) return "its lengths are damaged";
  return {
    expiresAtMs: expiry === never ? Number.POSITIVE_INFINITY : expiry,
    addressLength: file.readUInt32BE(16),
    valueLength: file.readUIntBE(26, 6),
    checksum: file.readUInt32BE(4),
  };
}

export function fileLength({ addressLength, valueLength }: Head): number {
  return headLength + addressLength + valueLength;
}

export function decodeAddress(file: Buffer, { addressLength }: Head): string {
  return file.toString("utf8", headLength, headLength + addressLength);
}

function encodeLengths(file: Buffer, addressLength: number, valueLength: number): void {
  file.writeUInt32BE(addressLength, 16);
  file.writeUInt32BE(0, 20);
  file.writeUInt16BE(0, 24);
  file.writeUIntBE(valueLength, 26, 6);
}

function encodeExpiryAt(file: Buffer, at: number, expiresAtMs: number): void {
  file.writeUIntBE(expiresAtMs === Number.POSITIVE_INFINITY ? never : expiresAtMs, at, 6);
  file.writeUInt16BE(checkOfExpiry(file, at), at + 6);
}

function checkOfExpiry(file: Buffer, at: number): number {
  return crc32(file.subarray(at, at + 6)) & 0xffff;
}
