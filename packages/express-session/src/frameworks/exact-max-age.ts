/**
 * Makes a cookie of express-session keep the `maxAge` that it is given, to the millisecond. By itself it computes the
 * expiry from `maxAge`, and `originalMaxAge` from that expiry, and reads the clock both times: a session that is only
 * renewed would look changed if a millisecond passed in between, and live that much shorter each time.
 */
export function keepMaxAgeExact(cookie: object): void {
  const prototype = Object.getPrototypeOf(cookie) as object;
  const inherited = Object.getOwnPropertyDescriptor(prototype, "maxAge");
  if (inherited?.get === undefined) return;
  // Not enumerable, so that who lists or copies the cookie's properties finds those that it has by itself.
  Object.defineProperty(cookie, "maxAge", {
    configurable: true,
    get: inherited.get,
    set(this: { originalMaxAge: unknown }, maxAge: unknown) {
      inherited.set?.call(this, maxAge);
      if (typeof maxAge === "number") this.originalMaxAge = maxAge;
    },
  });
}
