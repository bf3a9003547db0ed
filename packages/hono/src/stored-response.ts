import type { StoredResponse } from "./cache-entry.ts";
import { headersOf304, isUnchanged } from "./precondition.ts";
import type { Terms } from "./storable.ts";

/** Headers of one connection, or of one answer and not of the response (RFC 9111, section 3.1). */
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

/** Headers by which a response is stored, whoever set them. */
const ofTheResponse: ReadonlySet<string> = new Set(["cache-control", "content-type", "expires", "vary"]);

/**
 * What is kept of a response.
 *
 * @param outer the headers that middleware outside of the cache had set: that sets them again for each answer
 */
export function storedResponse(
  response: Response,
  body: Uint8Array<ArrayBuffer>,
  { initialAge, freshForMs, staleWhileRevalidateMs, staleIfErrorMs }: Terms,
  outer: Headers,
  nowMs: number,
): StoredResponse {
  const named = (response.headers.get("Connection") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase());
  const headers = [...response.headers].filter(
    ([name, value]) =>
      !notStored.has(name) && !named.includes(name) && (ofTheResponse.has(name) || outer.get(name) !== value),
  );
  if (!response.headers.has("Date")) headers.push(["date", new Date(nowMs).toUTCString()]);
  const terms = { freshForMs, staleWhileRevalidateMs, staleIfErrorMs };
  return {
    kind: "response",
    status: response.status,
    headers,
    storedAtMs: nowMs,
    initialAge,
    ...terms,
    body,
  };
}

/**
 * The answer made of a stored response, or a 304 where the client has it.
 *
 * @param outer what middleware outside of the cache has set
 */
export function answerOf(stored: StoredResponse, asked: Headers, outer: Headers, nowMs: number): Response {
  const { status, storedAtMs, initialAge } = stored;
  const headers = new Headers(outer);
  for (const [name, value] of stored.headers) headers.set(name, value);
  const residentS = Math.max(0, nowMs - storedAtMs) / 1000;
  headers.set("Age", String(Math.floor(initialAge + residentS)));
  if (status === 200 && isUnchanged(asked, headers, nowMs)) return notModified(headers, outer);
  return new Response(nullBody.has(status) ? null : stored.body, { status, headers });
}

/** The 304 in the place of a response with these headers. */
export function notModified(headers: Headers, outer: Headers): Response {
  const kept = [...headers].filter(([name]) => headersOf304.has(name) || outer.has(name));
  return new Response(null, { status: 304, headers: kept });
}

const nullBody: ReadonlySet<number> = new Set([204, 205, 304]);
