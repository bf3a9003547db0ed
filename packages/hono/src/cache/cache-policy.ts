import { capMs } from "@kv/core/driver";
import { parseCacheControl } from "./cache-control.ts";
import { parseDeltaSeconds } from "./delta-seconds.ts";
import { parseHttpDate } from "./http-date.ts";

/** The terms on which a response may be stored and used. */
export interface CachePolicy {
  /** Its age when it came, in seconds. */
  readonly initialAge: number;
  readonly freshForMs: number;
  /** The time beyond that for which it may be used while it is revalidated (RFC 5861, section 3). */
  readonly staleWhileRevalidateMs: number;
  /** The time beyond that for which it may be used instead of an error (RFC 5861, section 4). */
  readonly staleIfErrorMs: number;
  /** The request headers that it varies on, in lower case. */
  readonly vary: readonly string[];
}

/** The statuses that may be stored: no partial content, no answers to a condition, no failures of a server. */
const storableStatuses: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 302, 307, 308, 404, 410]);

/** Headers that identify the client: a response that varies on them is private. */
const privateVary: ReadonlySet<string> = new Set(["*", "cookie", "authorization"]);

/**
 * Returns the terms on which a shared cache may store a response to GET (RFC 9111, section 3).
 *
 * @param freshForMs the freshness lifetime of a 200 that has no explicit one
 * @returns `undefined` for a response that must not be stored
 */
export function cachePolicyOf(
  response: Response,
  freshForMs: number | undefined,
  nowMs: number,
): CachePolicy | undefined {
  const { status, headers } = response;
  const control = parseCacheControl(headers.get("Cache-Control"));
  const vary = varyOf(headers);
  // An encoded body was negotiated, whether Vary says so or not.
  if (headers.has("Content-Encoding") && !vary.includes("accept-encoding")) vary.push("accept-encoding");
  if (
    !storableStatuses.has(status) ||
    control.noStore ||
    control.noCache ||
    control.isPrivate ||
    headers.has("Set-Cookie") ||
    headers.get("Content-Type")?.startsWith("text/event-stream") === true ||
    vary.some((name) => privateVary.has(name))
  ) {
    return undefined;
  }
  const lifetimeMs = explicitLifetimeMs() ?? (status === 200 ? freshForMs : undefined);
  if (lifetimeMs === undefined) return undefined;
  const initialAge = ageOf(headers);
  const freshnessLeftMs = capMs(lifetimeMs) - initialAge * 1000;
  if (freshnessLeftMs <= 0) return undefined;
  const mayBeStale = !control.mustRevalidate;
  return {
    initialAge,
    freshForMs: freshnessLeftMs,
    staleWhileRevalidateMs: mayBeStale ? control.staleWhileRevalidate * 1000 : 0,
    staleIfErrorMs: mayBeStale ? control.staleIfError * 1000 : 0,
    vary,
  };

  function explicitLifetimeMs(): number | undefined {
    const seconds = control.sharedMaxAge ?? control.maxAge;
    if (seconds !== undefined) return seconds * 1000;
    const expires = headers.get("Expires");
    if (expires === null) return undefined;
    const expiresMs = parseHttpDate(expires, nowMs);
    if (expiresMs === undefined) return 0; // "0" and other invalid dates are in the past
    return expiresMs - (parseHttpDate(headers.get("Date") ?? "", nowMs) ?? nowMs);
  }
}

/** A token of RFC 9110 (section 5.6.2) in lower case, as the name of a header is; `*` is one too. */
const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

function varyOf(headers: Headers): string[] {
  const names = (headers.get("Vary") ?? "").split(",").map((name) => name.trim().toLowerCase());
  // An invalid name may mean anything.
  return [...new Set(names)].filter((name) => name !== "").map((name) => (token.test(name) ? name : "*"));
}

/** Reads the first of several ages, and takes an invalid one for 0 (RFC 9111, section 5.1). */
function ageOf(headers: Headers): number {
  const [first = ""] = (headers.get("Age") ?? "").split(",");
  return parseDeltaSeconds(first.trim()) ?? 0;
}
