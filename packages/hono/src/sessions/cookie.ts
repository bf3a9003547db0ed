import { checkOptions } from "@kv/core/driver";
import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";

/** The options of the session cookie. */
export interface SessionCookieOptions {
  /**
   * The name. It gets the prefix `__Host-` where the cookie is secure, for `/` and without `domain`, and `__Secure-`
   * where it is secure otherwise: browsers then refuse a cookie of that name which another host or plain HTTP sets.
   * Default: `session`.
   */
  readonly name?: string | undefined;

  /** Sends the cookie over HTTPS only; `false` is for development without it. Default: `true`. */
  readonly secure?: boolean | undefined;

  /** The `SameSite` attribute. `None` needs `secure`. Default: `Lax`. */
  readonly sameSite?: "Strict" | "Lax" | "None" | undefined;

  /** Shares the cookie with all hosts below this domain. Default: the host alone gets it. */
  readonly domain?: string | undefined;

  /** The path below which the cookie is sent. Default: `/`. */
  readonly path?: string | undefined;

  /** Keeps a cookie for each site that embeds this one (CHIPS). Default: `false`. */
  readonly partitioned?: boolean | undefined;

  /** Keeps the cookie when the browser is closed, until the absolute timeout, at most 400 days. Default: `false`. */
  readonly persistent?: boolean | undefined;
}

/** The session cookie of requests and answers. */
export interface SessionCookie {
  /** Returns the value that the request has. */
  read(c: Context): string | undefined;
  set(c: Context, id: string): void;
  clear(c: Context): void;
}

/** The longest that browsers keep a cookie. */
const maxAgeLimitS = 400 * 24 * 60 * 60;

const known = ["name", "secure", "sameSite", "domain", "path", "partitioned", "persistent"];

/**
 * Makes the reader and writer of the session cookie.
 *
 * @param absoluteMs the absolute timeout
 */
export function sessionCookie(options: SessionCookieOptions, absoluteMs: number): SessionCookie {
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
  const maxAge = Math.min(maxAgeLimitS, Math.ceil(absoluteMs / 1000));
  const fullName = prefix + name;

  return {
    read: (c) => getCookie(c, fullName),
    set: (c, id) => setCookie(c, fullName, id, persistent ? { ...attributes, maxAge } : attributes),
    clear: (c) => setCookie(c, fullName, "", { ...attributes, maxAge: 0 }),
  };
}
