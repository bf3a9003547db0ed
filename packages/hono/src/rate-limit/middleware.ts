import {
  type AtomicStore,
  type Duration,
  findStore,
  type Incremented,
  isStoreError,
  type StoreSource,
} from "@kv/core";
import { checkOptions, durationMs, guarded } from "@kv/core/driver";
import type { Context, MiddlewareHandler } from "hono";
import { checkChoice, checkFunction, checkWholeNumber } from "../shared/options.ts";
import { noop, type StoreErrorListener, serviceUnavailable } from "../shared/store-outage.ts";
import {
  checkPolicyName,
  quotaExceeded,
  type RateLimitState,
  sendLimit,
  sendRetryAfter,
} from "./response.ts";

/** The options of `rateLimit`. */
export interface RateLimitOptions {
  /** The number of requests that pass in a window, at least 1. */
  readonly limit: number;

  /** The length of a window. It begins with a client's first request, and no later request moves its end. */
  readonly window: Duration;

  /**
   * Returns whom a request counts for, like `clientAddress(getConnInfo)`. A request for which it is `undefined` is not
   * counted.
   */
  readonly key: (c: Context) => string | undefined | Promise<string | undefined>;

  /**
   * The answer to a request that cannot be counted because the store fails: `"allow"` lets it pass, `"refuse"` is a
   * 503, never a 429.
   */
  readonly onOutage: "allow" | "refuse";

  /** The name to ask a registry for. Default: `rate_limit`. */
  readonly name?: string | undefined;

  /**
   * The name of the limit, which clients see. Two limits on one store need two names, or a request counts for both.
   * Default: `default`.
   */
  readonly policy?: string | undefined;

  /** Makes the answer to a request beyond the limit. Default: a 429 with a problem document. */
  readonly respond?: ((c: Context, state: RateLimitState) => Response | Promise<Response>) | undefined;

  /** Gets each failure of the store. */
  readonly onStoreError?: StoreErrorListener | undefined;
}

/** The variables of the middleware: `c.var.rateLimit` is `undefined` for a request that was not counted. */
export type RateLimitEnv = { Variables: { rateLimit: RateLimitState | undefined } };

const known = ["limit", "window", "key", "onOutage", "name", "policy", "respond", "onStoreError"];

/**
 * Makes a middleware that lets `limit` requests of each client pass in a window, exactly, across all processes that
 * share the store. The headers `RateLimit` and `RateLimit-Policy` tell clients what is left
 * (draft-ietf-httpapi-ratelimit-headers-11).
 *
 * @throws TypeError for a store without atomic steps
 *
 * @example
 * ```ts
 * import { getConnInfo } from "@hono/node-server/conninfo";
 * import { clientAddress, rateLimit } from "@kv/hono";
 * import { memoryStore } from "@kv/memory";
 * import { Hono } from "hono";
 *
 * const app = new Hono();
 * const key = clientAddress(getConnInfo);
 * app.use("/api/*", rateLimit(memoryStore(), { limit: 100, window: "1m", key, onOutage: "allow" }));
 * ```
 */
export function rateLimit(
  source: StoreSource<AtomicStore>,
  options: RateLimitOptions,
): MiddlewareHandler<RateLimitEnv> {
  checkOptions(options, known);
  const { key, onOutage, name = "rate_limit", policy = "default", respond, onStoreError = noop } = options;
  const limit = checkWholeNumber(options.limit, 1, "limit");
  const windowMs = durationMs(options.window, "window");
  if (windowMs === Number.POSITIVE_INFINITY) throw new RangeError("window must not be Infinity.");
  checkFunction(key, "key");
  checkChoice(onOutage, ["allow", "refuse"], "onOutage of rateLimit");
  checkPolicyName(policy);
  const store = findStore(source, { name, capabilities: ["atomic"], purpose: "rateLimit" });

  const reportError = guarded(onStoreError);

  return async (c, next) => {
    const client = await key(c);
    const counted = client === undefined ? undefined : await count(client);
    if (counted === undefined) {
      c.set("rateLimit", undefined);
      return next();
    }
    const { value, expiresIn: resetsIn } = counted;
    const state: RateLimitState = { policy, limit, remaining: Math.max(0, limit - value), resetsIn };
    c.set("rateLimit", state);
    if (value <= limit) await next();
    else c.res = (await respond?.(c, state)) ?? quotaExceeded(policy);
    sendLimit(c, state, windowMs);
    if (value > limit) sendRetryAfter(c, state);

    async function count(countedClient: string): Promise<Incremented | undefined> {
      try {
        // The window's length is part of the key: another length begins another count.
        return await store.increment(JSON.stringify([policy, windowMs, countedClient]), {
          expiresIn: { milliseconds: windowMs },
        });
      } catch (error) {
        if (!isStoreError(error)) throw error;
        reportError(error, c);
        if (onOutage === "refuse") throw serviceUnavailable(error);
        return undefined;
      }
    }
  };
}
