import { StoreError } from "../errors/store-error.ts";
import { bytesOf } from "./bytes.ts";

/**
 * Returns the sum of an integer kept as decimal text and a safe integer (A1).
 *
 * @param stored the text, or its bytes; `undefined` counts as 0
 * @throws StoreError `KV_NOT_AN_INTEGER` for any other text, and for a value or result beyond the safe integers
 */
export function addToInteger(stored: Uint8Array | string | undefined, by: number): number {
  if (stored === undefined) return by;
  const value = integerIn(bytesOf(stored));
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

const minus = 0x2d;
const zero = 0x30;
/** No safe integer is longer. */
const longest = 17;

/** The integer that `0` or `-?[1-9][0-9]*` spells, `NaN` for anything else. Beyond the safe integers it is rounded. */
function integerIn(text: Uint8Array): number {
  const first = text[0] === minus ? 1 : 0;
  if (text.length === first || text.length > longest) return Number.NaN;
  if (text[first] === zero) return text.length === 1 ? 0 : Number.NaN;
  let value = 0;
  for (let at = first; at < text.length; at += 1) {
    const digit = (text[at] as number) - zero;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return first === 1 ? -value : value;
}
