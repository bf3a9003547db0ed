import { Buffer } from "node:buffer";
import type { Argument } from "../transport/transport.ts";

/** The number of slots of a cluster. */
export const slotCount = 16_384;

/**
 * Computes the slot of a server's key: CRC-16 (XMODEM) of the key, or of what stands between its first `{` and the next `}`,
 * where that is not empty.
 */
export function keySlot(key: Argument): number {
  const bytes = typeof key === "string" ? Buffer.from(key) : key;
  const opened = bytes.indexOf(opening);
  const closed = opened === -1 ? -1 : bytes.indexOf(closing, opened + 1);
  const isTagged = closed > opened + 1;
  const end = isTagged ? closed : bytes.length;
  let crc = 0;
  for (let at = isTagged ? opened + 1 : 0; at < end; at += 1) {
    crc = ((crc << 8) & 0xffff) ^ (table[(crc >> 8) ^ (bytes[at] as number)] as number);
  }
  return crc % slotCount;
}

const opening = "{".charCodeAt(0);
const closing = "}".charCodeAt(0);

const table: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc;
});
