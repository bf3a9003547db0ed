/**
 * The ttl of what ends at a time of Keyv 6, which is in milliseconds since 1970: none where there is no such time (NaN,
 * `Infinity`), and below 0 where it is over.
 */
export function ttlUntil(expires: number | null | undefined, now: number): number | undefined {
  if (expires === undefined || expires === null) return undefined;
  if (typeof expires !== "number") {
    throw new TypeError(`expires must be a number of milliseconds since 1970, not ${typeof expires}.`);
  }
  if (Number.isNaN(expires) || expires === Number.POSITIVE_INFINITY) return undefined;
  return expires <= now ? -1 : expires - now;
}
