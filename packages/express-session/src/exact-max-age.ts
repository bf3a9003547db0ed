/**
 * Makes a cookie of express-session keep the `maxAge` that it is given, to the millisecond. By itself it works
 * `originalMaxAge` out of the expiry that it worked out of `maxAge`, and reads the clock for either: a session that is
 * only renewed would look changed where a millisecond went by, and live that much shorter each time.
 */
export function keepMaxAgeExact(cookie: object): void {
  const prototype = Object.getPrototypeOf(cookie) as object;
  const inherited = Object.getOwnPropertyDescriptor(prototype, "maxAge");
  if (inherited?.get === undefined) return;
  // Not enumerable, so that whoever lists or copies the cookie's properties finds those that it has by itself.
  Object.defineProperty(cookie, "maxAge", {
    configurable: true,
    get: inherited.get,
    set(this: { originalMaxAge: unknown }, maxAge: unknown) {
      inherited.set?.call(this, maxAge);
      if (typeof maxAge === "number") this.originalMaxAge = maxAge;
    },
  });
}
