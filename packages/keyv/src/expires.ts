/** The longest lifetime that a store takes: 1,000 years. */
const longestTtl = 1_000 * 365.25 * 86_400_000;

/**
 * The ttl of what ends at a time of Keyv 6, which is in milliseconds since 1970: none where there is no such time (NaN,
 * `Infinity`), below 0 where it is over, and 1,000 years where it is further away.
 */
export function ttlUntil(expires: number | null | undefined, now: number): number | undefined {
  if (expires === undefined || expires === null) return undefined;
  if (typeof expires !== "number") {
    throw new TypeError(`expires must be a number of milliseconds since 1970, not ${typeof expires}.`);
  }
  if (Number.isNaN(expires) || expires === Number.POSITIVE_INFINITY) return undefined;
  return expires <= now ? -1 : Math.min(expires - now, longestTtl);
}
