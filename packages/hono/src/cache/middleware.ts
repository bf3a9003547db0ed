import { type AtomicStore, type Duration, findStore, type StoreSource } from "@kv/core";
import { checkOptions, durationMs, guarded, longestTimerMs, time } from "@kv/core/driver";
import type { Context, MiddlewareHandler } from "hono";
import { checkChoice, checkFunction, checkWholeNumber } from "../shared/options.ts";
import { noop, type StoreErrorListener } from "../shared/store-outage.ts";
import { CacheExchange, type CacheSettings } from "./exchange.ts";
import { handleGet, handleHead, invalidate } from "./handler.ts";

/** The options of `responseCache`. */
export interface ResponseCacheOptions {
  /**
   * The time for which a 200 is fresh that has no `Cache-Control` or `Expires` with a lifetime. Default: such a
   * response is not stored.
   */
  readonly freshFor?: Duration | undefined;

  /**
   * Tells whether the answer to a request with a `Cookie` or an `Authorization` is the same for everybody. Default: no,
   * and such requests bypass the cache: they are neither answered from it nor stored.
   */
  readonly isPublic?: ((c: Context) => boolean) | undefined;

  /** The largest body that is stored. A larger one is passed on as it comes. Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined;

  /**
   * The longest that a process which dies while it computes a response holds up the others, and the longest that a body
   * may take to arrive if it is to be stored. Default: `"10s"`.
   */
  readonly lockFor?: Duration | undefined;

  /**
   * The answer to a request while the store fails: `"compute"` lets the handler answer, `"refuse"` is a 503.
   * Default: `"compute"`.
   */
  readonly onOutage?: "compute" | "refuse" | undefined;

  /** The name to ask a registry for. Default: `response_cache`. */
  readonly name?: string | undefined;

  /** Gets each failure of the store. */
  readonly onStoreError?: StoreErrorListener | undefined;

  /** The wall clock that ages are measured by, in milliseconds. For tests. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const known = ["freshFor", "isPublic", "maxBodyBytes", "lockFor", "onOutage", "name", "onStoreError", "now"];

/** Requests that a cache handles already. Another cache inside would wait for the first one, which waits for it. */
const handled = new WeakSet<Context>();

/**
 * Makes a middleware that answers GET and HEAD from the store, as far as HTTP (RFC 9111) and the options allow.
 * Requests for what is missing are collapsed: one at a time goes to the handler, across all processes that share the
 * store. An unsafe request that succeeds invalidates its URL. Whatever a handler, or middleware inside, reads of a
 * request other than its URL has to be in `Vary`: nothing else keeps visitors apart.
 *
 * @throws TypeError for a store without atomic steps
 *
 * @example
 * ```ts
 * import { responseCache } from "@kv/hono";
 * import { memoryStore } from "@kv/memory";
 * import { Hono } from "hono";
 *
 * const app = new Hono();
 * app.use("/reports/*", responseCache(memoryStore(), { freshFor: "1m" }));
 * app.get("/reports/today", (c) => c.text("a slow page"));
 * ```
 */
export function responseCache(
  source: StoreSource<AtomicStore>,
  options: ResponseCacheOptions = {},
): MiddlewareHandler {
  checkOptions(options, known);
  const { freshFor, isPublic = () => false, maxBodyBytes = 1024 * 1024, lockFor = "10s" } = options;
  const { onOutage = "compute", name = "response_cache", onStoreError = noop } = options;
  const { now = () => time.wallMs() } = options;
  checkFunction(isPublic, "isPublic");
  const settings: CacheSettings = {
    store: findStore(source, { name, capabilities: ["atomic"], purpose: "responseCache" }),
    freshForMs: freshFor === undefined ? undefined : durationMs(freshFor, "freshFor"),
    maxBodyBytes: checkWholeNumber(maxBodyBytes, 0, "maxBodyBytes"),
    lockForMs: lockMs(lockFor),
    onOutage: checkChoice(onOutage, ["compute", "refuse"], "onOutage of responseCache"),
    onStoreError: guarded(onStoreError),
    now,
    inFlight: new Map(),
  };

  return async (c, next) => {
    if (handled.has(c)) return next();
    handled.add(c);
    const exchange = new CacheExchange(settings, c, next);
    const { method } = c.req;
    if (method !== "GET" && method !== "HEAD") {
      await exchange.forward("fwd=method");
      if (!safeMethods.has(method) && c.res.status < 400) await invalidate(exchange);
    } else if (bypassesCache(c.req.raw.headers) || (hasCredentials(c.req.raw.headers) && !isPublic(c))) {
      await exchange.forward("fwd=bypass");
    } else await (method === "GET" ? handleGet(exchange) : handleHead(exchange));
  };
}

/** Methods that change nothing (RFC 9110, section 9.2.1), and QUERY. */
const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"]);

/**
 * Tells whether a request is for the handler alone: for ranges and preconditions, and for upgrades of the connection.
 */
function bypassesCache(headers: Headers): boolean {
  return ["Range", "If-Range", "If-Match", "If-Unmodified-Since", "Upgrade"].some((name) =>
    headers.has(name),
  );
}

function hasCredentials(headers: Headers): boolean {
  return headers.has("Cookie") || headers.has("Authorization");
}

function lockMs(lockFor: Duration): number {
  const ms = durationMs(lockFor, "lockFor");
  if (ms <= longestTimerMs) return ms;
  throw new RangeError("lockFor must be at most 24 days: a process that died would hold up the others.");
}
