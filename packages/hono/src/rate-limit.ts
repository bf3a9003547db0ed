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
import { checkChoice, checkFunction, checkWholeNumber } from "./options.ts";
import { ignored, type StoreErrorListener, unavailable } from "./outage.ts";
import {
  checkPolicyName,
  quotaExceeded,
  type RateLimitState,
  sendLimit,
  sendRetryAfter,
} from "./rate-limit-response.ts";

export interface RateLimitOptions {
  /** How many requests pass in a window, at least 1. */
  readonly limit: number;

  /** How long a window lasts. It begins with a client's first request, and no later request moves its end. */
  readonly window: Duration;

  /** Who is counted as one, like `clientAddress(getConnInfo)`. A request for which it is `undefined` is not counted. */
  readonly key: (c: Context) => string | undefined | Promise<string | undefined>;

  /** What becomes of a request that cannot be counted because the store fails: `"refuse"` answers with 503, never 429. */
  readonly onOutage: "allow" | "refuse";

  /** The name to ask a registry for: `rate_limit` unless told. */
  readonly name?: string | undefined;

  /**
   * The name of the limit, which clients see: `default` unless told. Two limits on one store need two names, or a
   * request counts for both.
   */
  readonly policy?: string | undefined;

  /** Makes the answer to a request beyond the limit, in place of the 429 with a problem document. */
  readonly respond?: ((c: Context, state: RateLimitState) => Response | Promise<Response>) | undefined;

  /** Is told of the store's failures. */
  readonly onStoreError?: StoreErrorListener | undefined;
}

/** `c.var.rateLimit` is `undefined` for a request that was not counted. */
export type RateLimitEnv = { Variables: { rateLimit: RateLimitState | undefined } };

const known = ["limit", "window", "key", "onOutage", "name", "policy", "respond", "onStoreError"];

/**
 * Lets so many requests of each client pass in a window, exactly, across all processes that share the store. Says
 * what is left in the fields `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11).
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
  const { key, onOutage, name = "rate_limit", policy = "default", respond, onStoreError = ignored } = options;
  const limit = checkWholeNumber(options.limit, 1, "limit");
  const windowMs = durationMs(options.window, "window");
  if (windowMs === Number.POSITIVE_INFINITY) throw new RangeError("window must not be Infinity.");
  checkFunction(key, "key");
  checkChoice(onOutage, ["allow", "refuse"], "onOutage of rateLimit");
  checkPolicyName(policy);
  const store = findStore(source, { name, capabilities: ["atomic"], purpose: "rateLimit" });

  const tell = guarded(onStoreError);

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

    async function count(who: string): Promise<Incremented | undefined> {
      try {
        // The window's length is part of the key: another length begins another count.
        return await store.increment(JSON.stringify([policy, windowMs, who]), {
          expiresIn: { milliseconds: windowMs },
        });
      } catch (error) {
        if (!isStoreError(error)) throw error;
        tell(error, c);
        if (onOutage === "refuse") throw unavailable(error);
        return undefined;
      }
    }
  };
}
