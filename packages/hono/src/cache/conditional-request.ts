import { parseHttpDate } from "./http-date.ts";

/** The headers that make a GET conditional on whether the response has changed. */
export const conditionalHeaders = ["If-None-Match", "If-Modified-Since"] as const;

/** Tells whether a conditional request is answered with 304 (RFC 9110, section 13.2.2). */
export function isNotModified(request: Headers, response: Headers, nowMs: number): boolean {
  const tags = request.get("If-None-Match");
  if (tags !== null) {
    const tag = response.get("ETag");
    return tag !== null && (tags.trim() === "*" || opaqueTags(tags).includes(opaque(tag)));
  }
  // An invalid date is ignored (section 13.1.3).
  const since = parseHttpDate(request.get("If-Modified-Since") ?? "", nowMs);
  const modified = parseHttpDate(response.get("Last-Modified") ?? "", nowMs);
  return since !== undefined && modified !== undefined && modified <= since;
}

/** The headers of a response that its 304 has too (section 15.4.5). */
export const headersOf304: ReadonlySet<string> = new Set([
  "age",
  "cache-control",
  "content-location",
  "date",
  "etag",
  "expires",
  "vary",
]);

function opaqueTags(list: string): string[] {
  return [...list.matchAll(/(?:W\/)?("[^"]*")/g)].map(([, tag = ""]) => tag);
}

/** Returns the part of an entity tag that weak comparison looks at (section 8.8.3.2). */
function opaque(tag: string): string {
  return tag.replace(/^W\//, "");
}
