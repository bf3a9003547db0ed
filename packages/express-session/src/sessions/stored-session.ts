import { StoreError } from "@kv/core";

/** The stored form of a session. */
export interface StoredSession {
  /** The time at which it was first saved under its id, in milliseconds of the wall clock. */
  readonly createdAt: number;
  /** The data of the framework and the application. */
  readonly session: SessionContent;
}

/** A session as plain data: the cookie, and the data of the application. */
export interface SessionContent {
  /** The state of its cookie. */
  readonly cookie: CookieContent;
  readonly [name: string]: unknown;
}

/** The state of a session's cookie; further properties (`path`, `sameSite`, ...) are kept as they are. */
export interface CookieContent {
  /** A date, or its text in JSON. Without one the cookie ends with the browser. */
  readonly expires?: Date | string | false | null | undefined;
  /** The `maxAge` that the cookie was made with, in milliseconds. */
  readonly originalMaxAge?: number | null | undefined;
  readonly [name: string]: unknown;
}

/**
 * Returns the plain data of a framework's session object, without the expiry of a cookie that has a `maxAge`, from
 * which it follows: so an unchanged session is written as the same bytes, whenever it is saved.
 */
export function toPlainSession(session: object): SessionContent {
  // Spread would copy symbols, by which @fastify/session keeps the request in the session.
  const { cookie, ...rest } = Object.fromEntries(Object.entries(session)) as Partial<SessionContent>;
  const plain: CookieContent =
    typeof cookie?.["toJSON"] === "function" ? (cookie["toJSON"]() as CookieContent) : (cookie ?? {});
  // @fastify/session computes originalExpires from `expires` again.
  const { expires, originalExpires: _, ...other } = plain;
  return { ...rest, cookie: typeof other.originalMaxAge === "number" ? other : { ...other, expires } };
}

/** Returns a stored session as the frameworks load it: its cookie lives from now on. */
export function withFreshExpiry({ session }: StoredSession, nowMs: number): SessionContent {
  const { cookie } = session;
  if (typeof cookie.originalMaxAge !== "number") return session;
  return { ...session, cookie: { ...cookie, expires: new Date(nowMs + cookie.originalMaxAge) } };
}

/** Returns the milliseconds that a session's cookie still lives, or `idleMs` where it ends with the browser. */
export function ttlOf(session: object, nowMs: number, idleMs: number): number {
  const { expires } = (session as Partial<SessionContent>).cookie ?? {};
  if (expires === undefined || expires === null || expires === false) return idleMs;
  const leftMs = new Date(expires).getTime() - nowMs;
  return Number.isNaN(leftMs) ? idleMs : leftMs;
}

/**
 * Checks that a value is a stored session.
 *
 * @throws StoreError `KV_INVALID_VALUE` for any other value
 */
export function checkStoredSession(value: StoredSession): StoredSession {
  if (
    typeof value?.createdAt === "number" &&
    typeof value.session?.cookie === "object" &&
    value.session.cookie !== null
  ) {
    return value;
  }
  throw new StoreError("KV_INVALID_VALUE", "The stored entry is not a session.");
}
