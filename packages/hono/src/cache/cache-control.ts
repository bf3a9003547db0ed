import { parseDeltaSeconds } from "./delta-seconds.ts";

/** The directives of Cache-Control (RFC 9111, section 5.2.2) that a shared cache acts on. */
export interface CacheControl {
  readonly noStore: boolean;
  readonly noCache: boolean;
  readonly isPrivate: boolean;
  readonly mustRevalidate: boolean;
  /** In seconds; 0 for an invalid number: the response counts as stale. */
  readonly maxAge: number | undefined;
  readonly sharedMaxAge: number | undefined;
  /** RFC 5861. */
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

// A name, and a value that is quoted or not. Of an invalid value only the name counts.
const directive = /([\w!#$%&'*+.^`|~-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]+)))?/g;

/**
 * Parses the header. A directive with an invalid number makes the response stale, as RFC 9111 (section 4.2.1) suggests.
 */
export function parseCacheControl(header: string | null): CacheControl {
  const values = new Map<string, string[]>();
  for (const [, name = "", quoted, plain] of (header ?? "").matchAll(directive)) {
    const value = quoted ?? plain ?? "";
    values.set(name.toLowerCase(), [...(values.get(name.toLowerCase()) ?? []), value]);
  }
  const seconds = (name: string): number | undefined => {
    const given = values.get(name);
    // Of a directive that is given twice the shorter time counts.
    return given && Math.min(...given.map((text) => parseDeltaSeconds(text) ?? 0));
  };
  return {
    noStore: values.has("no-store"),
    noCache: values.has("no-cache"),
    isPrivate: values.has("private"),
    mustRevalidate: values.has("must-revalidate") || values.has("proxy-revalidate"),
    maxAge: seconds("max-age"),
    sharedMaxAge: seconds("s-maxage"),
    staleWhileRevalidate: seconds("stale-while-revalidate") ?? 0,
    staleIfError: seconds("stale-if-error") ?? 0,
  };
}
