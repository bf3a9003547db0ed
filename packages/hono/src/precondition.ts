import { parseHttpDate } from "./http-date.ts";

/** The headers by which a browser asks for a response only if it has changed. */
export const conditionalHeaders = ["If-None-Match", "If-Modified-Since"] as const;

/** Whether the client has this response already (RFC 9110, section 13.2.2), so that 304 is its answer. */
export function isUnchanged(asked: Headers, response: Headers, nowMs: number): boolean {
  const known = asked.get("If-None-Match");
  if (known !== null) {
    const tag = response.get("ETag");
    return tag !== null && (known.trim() === "*" || opaqueTags(known).includes(opaque(tag)));
  }
  // A text that is no date says nothing (section 13.1.3).
  const since = parseHttpDate(asked.get("If-Modified-Since") ?? "", nowMs);
  const modified = parseHttpDate(response.get("Last-Modified") ?? "", nowMs);
  return since !== undefined && modified !== undefined && modified <= since;
}

/** What a 304 says of the response (section 15.4.5). */
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

/** Compared weakly, as a GET is (section 13.1.2). */
function opaque(tag: string): string {
  return tag.replace(/^W\//, "");
}
