import type { StoredResponse } from "./cache-entry.ts";
import { parseHttpDate } from "./http-date.ts";

type Validated = Pick<StoredResponse, "status" | "headers" | "storedAtMs">;

/**
 * The conditions that ask the handler whether a stored response is still right (RFC 9111, section 4.3.1): none where
 * it has neither a tag nor a date of its last change.
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

/** Headers that describe the bytes of a body, and a 304 has none (section 3.2). */
const ofTheBody: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "transfer-encoding",
]);

/**
 * The whole response that a 304 makes of a stored one (section 4.3.4), `undefined` where it speaks of another.
 *
 * @param notModified the headers of the 304
 */
export function refreshed(
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
    else if (!ofTheBody.has(name)) all.set(name, value);
  }
  return new Response(body, { status, headers: all });
}
