/**
 * Returns the ttl until a time of Keyv 6, in milliseconds since 1970: `undefined` where it is not a time (NaN,
 * `Infinity`), and below 0 where it has passed.
 */
export function ttlUntil(expires: number | null | undefined, nowMs: number): number | undefined {
  if (expires === undefined || expires === null) return undefined;
  if (typeof expires !== "number") {
    throw new TypeError(`expires must be a number of milliseconds since 1970, not ${typeof expires}.`);
  }
  if (Number.isNaN(expires) || expires === Number.POSITIVE_INFINITY) return undefined;
  return expires <= nowMs ? -1 : expires - nowMs;
}
