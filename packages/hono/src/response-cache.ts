import { type AtomicStore, type Duration, findStore, type StoreSource } from "@kv/core";
import { checkOptions, durationMs, guarded } from "@kv/core/driver";
import type { Context, MiddlewareHandler } from "hono";
import { sendCacheStatus } from "./cache-status.ts";
import { CachedRequest, type CacheSettings } from "./cached-request.ts";
import { checkChoice, checkFunction, checkWholeNumber } from "./options.ts";
import { ignored, type StoreErrorListener } from "./outage.ts";

export interface ResponseCacheOptions {
  /**
   * How long a 200 is fresh that does not say so itself, by `Cache-Control` or `Expires`. Without it, what does not
   * say so is not stored.
   */
  readonly freshFor?: Duration | undefined;

  /**
   * Says that the answer to this request is the same for everybody, though the request has a `Cookie` or an
   * `Authorization`. Requests with one are passed by unless told: they are neither answered from the cache nor stored.
   */
  readonly isPublic?: ((c: Context) => boolean) | undefined;

  /** The largest body that is stored: 1 MiB unless told. A larger one passes through, as it comes. */
  readonly maxBodyBytes?: number | undefined;

  /**
   * How long a process that died while it computed a response holds up the others, and how long a body may take
   * from its first byte to its last to be stored: `"10s"` unless told.
   */
  readonly lockFor?: Duration | undefined;

  /** What becomes of a request while the store fails: `"compute"` unless told; `"refuse"` answers with 503. */
  readonly onOutage?: "compute" | "refuse" | undefined;

  /** The name to ask a registry for: `response_cache` unless told. */
  readonly name?: string | undefined;

  /** Is told of the store's failures. */
  readonly onStoreError?: StoreErrorListener | undefined;

  /** The wall clock that ages go by, in milliseconds: `Date.now` unless told. For tests. */
  readonly now?: (() => number) | undefined;
}

const known = ["freshFor", "isPublic", "maxBodyBytes", "lockFor", "onOutage", "name", "onStoreError", "now"];

/** Requests that a cache has taken on already. Another one inside would wait for the first, which waits for it. */
const takenOn = new WeakSet<Context>();

/**
 * Answers GET and HEAD from the store, as far as HTTP (RFC 9111) and the options allow, and computes what is missing
 * once at a time, across all processes that share the store. An unsafe request that succeeds removes its URL. What a
 * handler, or middleware inside, looks at beside the URL has to be in `Vary`: nothing else keeps visitors apart.
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
  const { onOutage = "compute", name = "response_cache", onStoreError = ignored, now = Date.now } = options;
  checkFunction(isPublic, "isPublic");
  const settings: CacheSettings = {
    store: findStore(source, { name, capabilities: ["atomic"], purpose: "responseCache" }),
    freshForMs: freshFor === undefined ? undefined : durationMs(freshFor, "freshFor"),
    maxBodyBytes: checkWholeNumber(maxBodyBytes, 0, "maxBodyBytes"),
    lockForMs: lockMs(lockFor),
    onOutage: checkChoice(onOutage, ["compute", "refuse"], "onOutage of responseCache"),
    tell: guarded(onStoreError),
    now,
    underWay: new Map(),
  };

  return async (c, next) => {
    if (takenOn.has(c)) return next();
    takenOn.add(c);
    const request = new CachedRequest(settings, c, next);
    const { method } = c.req;
    if (method !== "GET" && method !== "HEAD") {
      await next();
      sendCacheStatus(c, "fwd=method");
      if (!safe.has(method) && c.res.status < 400) await request.removeUrl();
      return;
    }
    if (isPassedBy(c.req.raw.headers) || (isPersonal(c.req.raw.headers) && !isPublic(c))) {
      await next();
      sendCacheStatus(c, "fwd=bypass");
      return;
    }
    await (method === "GET" ? request.get() : request.head());
  };
}

/** Methods that change nothing (RFC 9110, section 9.2.1), and QUERY. */
const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"]);

/** Parts and conditions that the cache leaves to the handler, and connections that become something else. */
function isPassedBy(headers: Headers): boolean {
  return ["Range", "If-Range", "If-Match", "If-Unmodified-Since", "Upgrade"].some((name) =>
    headers.has(name),
  );
}

function isPersonal(headers: Headers): boolean {
  return headers.has("Cookie") || headers.has("Authorization");
}

function lockMs(lockFor: Duration): number {
  const ms = durationMs(lockFor, "lockFor");
  if (ms <= 2 ** 31 - 1) return ms;
  throw new RangeError("lockFor must be at most 24 days: a process that died would hold up the others.");
}
