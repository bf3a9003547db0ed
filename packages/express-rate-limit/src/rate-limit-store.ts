import { type AtomicStore, findStore, type NamespacedStore, type StoreSource } from "@kv/core";
import { addToInteger, capMs, checkName, checkOptions } from "@kv/core/driver";
import { countKey } from "./count-key.ts";
import { takingBack } from "./take-back.ts";

export interface RateLimitStoreOptions {
  /** The name to ask a registry for: `rate_limit` unless told. */
  readonly name?: string | undefined;

  /** Sets the limiters on one store apart, 1 to 255 bytes: `default` unless told. Those of one limiter in many processes share it. */
  readonly namespace?: string | undefined;
}

export interface Counted {
  /** The requests counted in the window. */
  readonly totalHits: number;
  /** When the window ends, by the wall clock of this process. */
  readonly resetTime: Date;
}

/**
 * What `rateLimit` of express-rate-limit and `rateLimiter` of hono-rate-limiter take as `store`: one for each limiter.
 * Whatever a key generator gives is counted, be it no string or not well formed (see `countKey`).
 */
export interface RateLimitStore {
  /**
   * Called by the limiter with its options. A window of another length is another count.
   *
   * @throws RangeError for a window that is no number of milliseconds above 0. express-rate-limit only logs that, so a
   * limiter that was refused counts all the same, in windows of a minute
   */
  init(options: { readonly windowMs: number }): void;

  /** Tells the count of a key; `undefined` where nothing is counted. */
  get(key: string): Promise<Counted | undefined>;

  /** Counts a request, exactly, in one step. The first one begins the window, and none moves its end. */
  increment(key: string): Promise<Counted>;

  /** Takes a request back; never below 0, and not where the window is over. */
  decrement(key: string): Promise<void>;

  /** Forgets the count of a key. */
  resetKey(key: string): Promise<void>;

  /** Forgets the counts of this limiter, and nothing else in the store. */
  resetAll(): Promise<void>;

  /** Other processes see the same counts. */
  readonly localKeys: false;

  /** Where the counts are, for the limiter's check that it counts a request once. */
  readonly prefix: string;
}

/**
 * Makes the counts of one limiter, in a store that is found by its name or given. The store stays its owner's to close.
 *
 * @throws TypeError for a store without atomic steps or namespaces
 *
 * @example
 * ```ts
 * import { rateLimitStore } from "@kv/express-rate-limit";
 * import { memoryStore } from "@kv/memory";
 * import express from "express";
 * import { rateLimit } from "express-rate-limit";
 *
 * const app = express();
 * app.use(rateLimit({ windowMs: 60_000, limit: 100, store: rateLimitStore(memoryStore()) }));
 * ```
 */
export function rateLimitStore(
  source: StoreSource<AtomicStore & NamespacedStore>,
  options: RateLimitStoreOptions = {},
): RateLimitStore {
  checkOptions(options, ["name", "namespace"]);
  const { name = "rate_limit", namespace = "default" } = options;
  const store = findStore(source, { name, capabilities: ["namespaces", "atomic"], purpose: "A rate limit" });
  const limiter = store.withNamespace(checkName(namespace));
  let window: Window | undefined;

  function current(): Window {
    if (window !== undefined) return window;
    throw new TypeError(
      "The rate limit has no window: pass this store to rateLimit() or rateLimiter(), which call init, or call init({ windowMs }).",
    );
  }

  return {
    localKeys: false,

    get prefix() {
      return JSON.stringify((window?.counts ?? limiter).namespace);
    },

    init({ windowMs }) {
      if (!Number.isFinite(windowMs) || windowMs <= 0) {
        window ??= windowIn(limiter, fallbackMs);
        throw new RangeError(`windowMs must be a number of milliseconds above 0, not ${windowMs}.`);
      }
      if (window !== undefined && window.lengthMs !== windowMs) {
        throw new TypeError(
          `This store serves a limiter with a window of ${window.lengthMs} ms already. Make one for each limiter, with a namespace of its own.`,
        );
      }
      window ??= windowIn(limiter, windowMs);
    },

    async get(key) {
      const { counts } = current();
      const at = countKey(key);
      // In this order: should one window end in between and the next begin, its count gets an end that is too early.
      const [expiresIn, stored] = await Promise.all([counts.expiresIn(at), counts.get(at)]);
      if (expiresIn === undefined || stored === undefined) return undefined;
      return { totalHits: addToInteger(stored, 0), resetTime: timeIn(expiresIn) };
    },

    async increment(key) {
      const { counts, lengthMs } = current();
      const milliseconds = capMs(lengthMs);
      const { value, expiresIn } = await counts.increment(countKey(key), { expiresIn: { milliseconds } });
      return { totalHits: value, resetTime: timeIn(expiresIn) };
    },

    decrement: async (key) => current().takeBack(countKey(key)),

    async resetKey(key) {
      await current().counts.delete(countKey(key));
    },

    resetAll: async () => current().counts.deleteAll(),
  };
}

interface Window {
  readonly lengthMs: number;
  readonly counts: AtomicStore & NamespacedStore;
  readonly takeBack: (key: string) => Promise<void>;
}

/** The window of a limiter whose own was refused, as express-rate-limit has it where none is told. */
const fallbackMs = 60_000;

function windowIn(limiter: AtomicStore & NamespacedStore, lengthMs: number): Window {
  const counts = limiter.withNamespace(`${lengthMs}ms`);
  return { lengthMs, counts, takeBack: takingBack(counts) };
}

/** The last time that there is, for a count that somebody else made to stay for ever. */
const endOfTimeMs = 8.64e15;

function timeIn(seconds: number): Date {
  return new Date(Math.min(Date.now() + seconds * 1_000, endOfTimeMs));
}
