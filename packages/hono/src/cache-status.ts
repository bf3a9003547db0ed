import type { Context } from "hono";

/** What a response cache did, as `Cache-Status` (RFC 9211) says it. */
export type CacheStatus =
  | `hit; ttl=${number}`
  | `fwd=${"uri-miss" | "vary-miss" | "stale" | "method" | "bypass"}`
  | "fwd=uri-miss; collapsed";

export function sendCacheStatus(c: Context, status: CacheStatus): void {
  c.header("Cache-Status", `kv; ${status}`, { append: true });
}
