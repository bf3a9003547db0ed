import { checkOptions } from "@kv/core/driver";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";

export interface SessionCookieOptions {
  /**
   * `session` unless told. It gets the prefix `__Host-` where the cookie is secure, for `/` and without `domain`,
   * else `__Secure-` where it is secure: browsers then refuse what another host or plain HTTP sets in its name.
   */
  readonly name?: string | undefined;

  /** Sent over HTTPS only, as it is unless told; `false` is for development without it. */
  readonly secure?: boolean | undefined;

  /** `Lax` unless told. `None` needs `secure`. */
  readonly sameSite?: "Strict" | "Lax" | "None" | undefined;

  /** Shares the cookie with all hosts below this domain; without it the host alone gets it. */
  readonly domain?: string | undefined;

  /** `/` unless told. */
  readonly path?: string | undefined;

  /** A cookie for each site that embeds this one (CHIPS). */
  readonly partitioned?: boolean | undefined;

  /** Keeps the cookie when the browser is closed, until the absolute timeout, at most 400 days. */
  readonly persistent?: boolean | undefined;
}

export interface SessionCookie {
  /** The value that the request came with. */
  read(c: Context): string | undefined;
  set(c: Context, id: string): void;
  clear(c: Context): void;
}

/** The longest that browsers keep a cookie. */
const longestAgeS = 400 * 24 * 60 * 60;

const known = ["name", "secure", "sameSite", "domain", "path", "partitioned", "persistent"];

/** @param endsInMs the absolute timeout */
export function sessionCookie(options: SessionCookieOptions, endsInMs: number): SessionCookie {
  checkOptions(options, known);
  const { name = "session", secure = true, sameSite = "Lax", domain, path = "/" } = options;
  const { partitioned = false, persistent = false } = options;
  if (sameSite === "None" && !secure) throw new TypeError('sameSite: "None" needs a secure cookie.');
  if (partitioned && !secure) throw new TypeError("A partitioned cookie must be secure.");
  const prefix = !secure ? "" : path === "/" && domain === undefined ? "__Host-" : "__Secure-";
  const attributes = {
    httpOnly: true,
    path,
    sameSite,
    secure,
    partitioned,
    ...(domain !== undefined && { domain }),
  };
  const maxAge = Math.min(longestAgeS, Math.ceil(endsInMs / 1000));
  const fullName = prefix + name;

  return {
    read: (c) => getCookie(c, fullName),
    set: (c, id) => setCookie(c, fullName, id, persistent ? { ...attributes, maxAge } : attributes),
    clear: (c) => setCookie(c, fullName, "", { ...attributes, maxAge: 0 }),
  };
}
