/** The value that stands for longer ones too, as RFC 9111 (section 1.2.2) suggests. */
const longestS = 2 ** 31;

/** Reads a whole number of seconds, as `max-age` and `Age` have it; `undefined` for any other text. */
export function parseDeltaSeconds(text: string): number | undefined {
  return /^\d+$/.test(text) ? Math.min(longestS, Number(text)) : undefined;
}
