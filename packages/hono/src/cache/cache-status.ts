import type { Context } from "hono";

/** The way in which a cache handled a request, as `Cache-Status` has it (RFC 9211). */
export type CacheStatus =
  | `hit; ttl=${number}`
  | `fwd=${"uri-miss" | "vary-miss" | "stale" | "method" | "bypass"}`
  | "fwd=uri-miss; collapsed";

/** Adds the status to the headers of the answer, after that of caches nearer to the handler. */
export function sendCacheStatus(c: Context, status: CacheStatus): void {
  c.header("Cache-Status", `kv; ${status}`, { append: true });
}
