import { StoreError } from "./error.ts";

const integer = /^(?:0|-?[1-9][0-9]*)$/;

/**
 * The sum of an integer kept as decimal text and a safe integer (A1).
 *
 * @param stored the text, or its bytes; `undefined` counts as 0
 * @throws StoreError `KV_NOT_AN_INTEGER` for any other text, and for a value or result beyond the safe integers
 */
export function addToInteger(stored: Uint8Array | string | undefined, by: number): number {
  if (stored === undefined) return by;
  const text = typeof stored === "string" ? stored : asciiOf(stored);
  const value = integer.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new StoreError(
      "KV_NOT_AN_INTEGER",
      'the entry is not a safe integer in decimal text, and was left as it is. Store a number as text, like "0", to count from it.',
    );
  }
  const sum = value + by;
  if (Number.isSafeInteger(sum)) return sum;
  throw new StoreError(
    "KV_NOT_AN_INTEGER",
    "the result would leave the safe integers (±9,007,199,254,740,991); the entry was left as it is.",
  );
}

/** No integer that fits is longer than 17 bytes. */
function asciiOf(bytes: Uint8Array): string {
  return bytes.length > 17 ? "" : String.fromCharCode(...bytes);
}
