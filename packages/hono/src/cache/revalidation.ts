import { conditionalHeaders } from "./conditional-request.ts";
import type { StoredResponse } from "./entry-format.ts";
import { parseHttpDate } from "./http-date.ts";

type Validated = Pick<StoredResponse, "status" | "headers" | "storedAtMs">;

/**
 * Returns the conditions of a validation request for a stored response: none where it has no validator (RFC 9111,
 * section 4.3.1).
 */
export function conditionsOf({ status, headers, storedAtMs }: Validated): [name: string, value: string][] {
  if (status !== 200) return [];
  const stored = new Headers(headers as [string, string][]);
  const tag = stored.get("ETag");
  const modified = stored.get("Last-Modified") ?? "";
  const conditions: [string, string][] = [];
  if (tag !== null) conditions.push(["If-None-Match", tag]);
  if (parseHttpDate(modified, storedAtMs) !== undefined) conditions.push(["If-Modified-Since", modified]);
  return conditions;
}

/** Makes a request that the handler answers for all: without conditions of the client, with those of the cache. */
export function withConditions(
  request: Request,
  conditions: readonly (readonly [name: string, value: string])[],
): Request {
  const isConditional = conditionalHeaders.some((name) => request.headers.has(name));
  if (conditions.length === 0 && !isConditional) return request;
  const headers = new Headers(request.headers);
  for (const name of conditionalHeaders) headers.delete(name);
  for (const [name, value] of conditions) headers.set(name, value);
  return new Request(request, { headers });
}

/** Headers that describe the bytes of a body, and a 304 has none (section 3.2). */
const bodyHeaders: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "transfer-encoding",
]);

/**
 * Freshens a stored response upon validation (section 4.3.4).
 *
 * @param notModified the headers of the 304
 * @returns `undefined` where the 304 is that of another response
 */
export function freshened(
  { status, headers, body }: StoredResponse,
  notModified: Headers,
  nowMs: number,
): Response | undefined {
  const all = new Headers(headers as [string, string][]);
  const tag = notModified.get("ETag");
  if (tag !== null && tag !== all.get("ETag")) return undefined;
  all.set("Date", new Date(nowMs).toUTCString());
  for (const [name, value] of notModified) {
    if (name === "set-cookie") all.append(name, value);
    else if (!bodyHeaders.has(name)) all.set(name, value);
  }
  return new Response(body, { status, headers: all });
}
