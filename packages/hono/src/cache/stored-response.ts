import type { CachePolicy } from "./cache-policy.ts";
import { headersOf304, isNotModified } from "./conditional-request.ts";
import type { StoredResponse } from "./entry-format.ts";

/** Headers that are not stored (RFC 9111, section 3.1): of one connection, or of one answer. */
const notStored: ReadonlySet<string> = new Set([
  "age",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "ratelimit",
  "ratelimit-policy",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers that decide how a response is stored: they are stored whoever set them. */
const policyHeaders: ReadonlySet<string> = new Set(["cache-control", "content-type", "expires", "vary"]);

/**
 * Makes the entry of a response.
 *
 * @param outerHeaders the headers that middleware outside of the cache had set: they are set again for each answer
 */
export function storedResponse(
  response: Response,
  body: Uint8Array<ArrayBuffer>,
  { initialAge, freshForMs, staleWhileRevalidateMs, staleIfErrorMs }: CachePolicy,
  outerHeaders: Headers,
  nowMs: number,
): StoredResponse {
  const connectionHeaders = (response.headers.get("Connection") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase());
  const headers = [...response.headers].filter(
    ([name, value]) =>
      !notStored.has(name) &&
      !connectionHeaders.includes(name) &&
      (policyHeaders.has(name) || outerHeaders.get(name) !== value),
  );
  if (!response.headers.has("Date")) headers.push(["date", new Date(nowMs).toUTCString()]);
  return {
    kind: "response",
    status: response.status,
    headers,
    storedAtMs: nowMs,
    initialAge,
    freshForMs,
    staleWhileRevalidateMs,
    staleIfErrorMs,
    body,
  };
}

/** Makes the answer to a request out of a stored response: a 304 where the client has it already. */
export function answerOf(
  stored: StoredResponse,
  requestHeaders: Headers,
  outerHeaders: Headers,
  nowMs: number,
): Response {
  const { status, storedAtMs, initialAge } = stored;
  const headers = new Headers(outerHeaders);
  for (const [name, value] of stored.headers) headers.set(name, value);
  const residentS = Math.max(0, nowMs - storedAtMs) / 1000;
  headers.set("Age", String(Math.floor(initialAge + residentS)));
  if (status === 200 && isNotModified(requestHeaders, headers, nowMs))
    return notModified(headers, outerHeaders);
  return new Response(nullBodyStatuses.has(status) ? null : stored.body, { status, headers });
}

/** Makes the 304 for a response with these headers. */
export function notModified(headers: Headers, outerHeaders: Headers): Response {
  const kept = [...headers].filter(([name]) => headersOf304.has(name) || outerHeaders.has(name));
  return new Response(null, { status: 304, headers: kept });
}

const nullBodyStatuses: ReadonlySet<number> = new Set([204, 205, 304]);
