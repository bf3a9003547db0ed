import { StoreError } from "@kv/core";

/** What the store keeps of a session. */
export interface StoredSession {
  /** When it was first saved under its id, in milliseconds of the wall clock. */
  readonly createdAt: number;
  /** What the framework and the application keep in it. */
  readonly session: SessionContent;
}

/** A session as plain data: the cookie, and whatever the application keeps in it. */
export interface SessionContent {
  /** What the frameworks know of its cookie. */
  readonly cookie: CookieContent;
  readonly [name: string]: unknown;
}

/** What the frameworks know of a session's cookie; the rest (`path`, `sameSite`, ...) is kept as it is. */
export interface CookieContent {
  /** A date, or its text in JSON. None: the cookie ends with the browser. */
  readonly expires?: Date | string | false | null | undefined;
  /** The `maxAge` that the cookie was made with, in milliseconds. */
  readonly originalMaxAge?: number | null | undefined;
  readonly [name: string]: unknown;
}

/**
 * The plain data of a framework's session object. Of a cookie with a `maxAge` the expiry is left out, for it follows
 * from that: so an unchanged session is written as the same bytes, whenever it is saved.
 */
export function contentOf(session: object): SessionContent {
  // Spread would take symbols along, by which @fastify/session keeps the request in the session.
  const { cookie, ...rest } = Object.fromEntries(Object.entries(session)) as Partial<SessionContent>;
  const plain: CookieContent =
    typeof cookie?.["toJSON"] === "function" ? (cookie["toJSON"]() as CookieContent) : (cookie ?? {});
  // @fastify/session works out originalExpires anew from `expires`.
  const { expires, originalExpires: _, ...other } = plain;
  return { ...rest, cookie: typeof other.originalMaxAge === "number" ? other : { ...other, expires } };
}

/** A stored session as the frameworks take it, its cookie renewed by this very request. */
export function revived({ session }: StoredSession, nowMs: number): SessionContent {
  const { cookie } = session;
  if (typeof cookie.originalMaxAge !== "number") return session;
  return { ...session, cookie: { ...cookie, expires: new Date(nowMs + cookie.originalMaxAge) } };
}

/** How long a session lives from now as its cookie has it, in milliseconds; `idleMs` where it ends with the browser. */
export function lifeOf(session: object, nowMs: number, idleMs: number): number {
  const { expires } = (session as Partial<SessionContent>).cookie ?? {};
  if (expires === undefined || expires === null || expires === false) return idleMs;
  const leftMs = new Date(expires).getTime() - nowMs;
  return Number.isNaN(leftMs) ? idleMs : leftMs;
}

/** @throws StoreError `KV_INVALID_VALUE` for what is no session */
export function checkStoredSession(value: StoredSession): StoredSession {
  if (
    typeof value?.createdAt === "number" &&
    typeof value.session?.cookie === "object" &&
    value.session.cookie !== null
  ) {
    return value;
  }
  throw new StoreError("KV_INVALID_VALUE", "The stored entry is no session.");
}
