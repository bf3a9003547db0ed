/**
 * Bytes over an ArrayBuffer of their own. Spelled through `Uint8Array.of`, so that it is `Uint8Array` for
 * compilers before TypeScript 5.7 and `Uint8Array<ArrayBuffer>` from then on: `new Response(bytes)` compiles
 * under both.
 */
export type Bytes = ReturnType<typeof Uint8Array.of>;

/** A storable value. A string is stored as its UTF-8; it must be well formed. */
export type Value = Uint8Array | string;

const encoder = new TextEncoder();

/** Up to here a loop is quicker than the encoder. */
const shortLength = 24;

/** Encodes a well-formed string as UTF-8. */
export function utf8(text: string): Bytes {
  if (text.length > shortLength) return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return encoder.encode(text);
    bytes[at] = code;
  }
  return bytes;
}

/** Returns the bytes to be stored for a value: a well-formed string's UTF-8, bytes as they are. */
export function bytesOf(value: Uint8Array | string): Uint8Array {
  return typeof value === "string" ? utf8(value) : value;
}

/** Copies bytes to an ArrayBuffer of their own, which holds nothing else (S3). */
export function copyOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes); // of an array, that is a copy, and quicker than one made empty and then filled
}

/** Tells whether two arrays hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) {
    if (a[at] !== b[at]) return false;
  }
  return true;
}
