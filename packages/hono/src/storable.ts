import { capMs } from "@kv/core/driver";
import { parseCacheControl } from "./cache-control.ts";
import { parseDeltaSeconds } from "./delta-seconds.ts";
import { parseHttpDate } from "./http-date.ts";

/** How a response may be used later. */
export interface Terms {
  /** How old it came, in seconds. */
  readonly initialAge: number;
  readonly freshForMs: number;
  /** For how long beyond that it may be used while another request computes it anew. */
  readonly staleWhileRevalidateMs: number;
  /** For how long beyond that it may be used in the place of an error. */
  readonly staleIfErrorMs: number;
  /** The request headers that choose among responses, in lower case and in order. */
  readonly vary: readonly string[];
}

/** Statuses that stand for themselves: no parts, no answers to a condition, nothing that a server's trouble made. */
const statuses: ReadonlySet<number> = new Set([200, 203, 204, 300, 301, 302, 307, 308, 404, 410]);

/** Headers that say who asks: a response that varies on them is one person's. */
const personal: ReadonlySet<string> = new Set(["*", "cookie", "authorization"]);

/**
 * On what terms a response to GET may be stored by a cache that many share (RFC 9111, section 3), `undefined` where
 * it may not: without an explicit lifetime, but for a 200 where `freshForMs` is one.
 */
export function termsOf(
  response: Response,
  freshForMs: number | undefined,
  nowMs: number,
): Terms | undefined {
  const { status, headers } = response;
  const control = parseCacheControl(headers.get("Cache-Control"));
  const vary = varyOf(headers);
  // What is encoded was encoded for who asked, whether it says so or not.
  if (headers.has("Content-Encoding") && !vary.includes("accept-encoding")) vary.push("accept-encoding");
  if (
    !statuses.has(status) ||
    control.noStore ||
    control.noCache ||
    control.isPrivate ||
    headers.has("Set-Cookie") ||
    headers.get("Content-Type")?.startsWith("text/event-stream") === true ||
    vary.some((name) => personal.has(name))
  ) {
    return undefined;
  }
  const lifetimeMs = lifetime() ?? (status === 200 ? freshForMs : undefined);
  if (lifetimeMs === undefined) return undefined;
  const initialAge = ageOf(headers);
  const leftMs = capMs(lifetimeMs) - initialAge * 1000;
  if (leftMs <= 0) return undefined;
  const mayBeStale = !control.mustRevalidate;
  return {
    initialAge,
    freshForMs: leftMs,
    staleWhileRevalidateMs: mayBeStale ? control.staleWhileRevalidate * 1000 : 0,
    staleIfErrorMs: mayBeStale ? control.staleIfError * 1000 : 0,
    vary,
  };

  function lifetime(): number | undefined {
    const seconds = control.sharedMaxAge ?? control.maxAge;
    if (seconds !== undefined) return seconds * 1000;
    const expires = headers.get("Expires");
    if (expires === null) return undefined;
    const expiresMs = parseHttpDate(expires, nowMs);
    if (expiresMs === undefined) return 0; // "0" and other texts that are no date are in the past
    return expiresMs - (parseHttpDate(headers.get("Date") ?? "", nowMs) ?? nowMs);
  }
}

/** A name of RFC 9110 (section 5.6.2), in lower case; `*` is one too. */
const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

function varyOf(headers: Headers): string[] {
  const names = (headers.get("Vary") ?? "").split(",").map((name) => name.trim().toLowerCase());
  // What is no header's name may mean anything.
  return [...new Set(names)].filter((name) => name !== "").map((name) => (token.test(name) ? name : "*"));
}

/** Of several ages the first counts, and one that is none is passed over (RFC 9111, section 5.1). */
function ageOf(headers: Headers): number {
  const [first = ""] = (headers.get("Age") ?? "").split(",");
  return parseDeltaSeconds(first.trim()) ?? 0;
}
