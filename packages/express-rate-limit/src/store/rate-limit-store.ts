import { type AtomicStore, findStore, type NamespacedStore, type StoreSource } from "@kv/core";
import { addToInteger, capMs, checkName, checkOptions, time } from "@kv/core/driver";
import { countKey } from "./count-key.ts";
import { decrementBatcher } from "./decrement-batcher.ts";

/** The options of `rateLimitStore`. */
export interface RateLimitStoreOptions {
  /** The name to ask a registry for. Default: `rate_limit`. */
  readonly name?: string | undefined;

  /**
   * Keeps the limiters on one store apart, 1 to 255 bytes. The processes of one limiter share it. Default: `default`.
   */
  readonly namespace?: string | undefined;
}

/** The count of a key. */
export interface Counted {
  /** The number of requests that were counted in the window. */
  readonly totalHits: number;
  /** The end of the window, by the wall clock of this process. */
  readonly resetTime: Date;
}

/**
 * The counts of one limiter, as `rateLimit` of express-rate-limit and `rateLimiter` of hono-rate-limiter take them for
 * `store`. Any value of a key generator is counted, even if it is not a string or not well formed.
 */
export interface RateLimitStore {
  /**
   * Takes the options of the limiter, which calls it. A window of another length has other counts.
   *
   * @throws RangeError for a window that is not a number of milliseconds above 0. express-rate-limit only logs that, so
   *   a limiter that was refused counts all the same, in windows of a minute
   */
  init(options: { readonly windowMs: number }): void;

  /** Returns the count of a key; `undefined` where there is none. */
  get(key: string): Promise<Counted | undefined>;

  /** Counts a request, exactly, in one step. The first one begins the window, and none moves its end. */
  increment(key: string): Promise<Counted>;

  /** Takes a request off the count: never below 0, and not once the window has ended. */
  decrement(key: string): Promise<void>;

  /** Removes the count of a key. */
  resetKey(key: string): Promise<void>;

  /** Removes the counts of this limiter, and nothing else in the store. */
  resetAll(): Promise<void>;

  /** Says that other processes see the same counts. */
  readonly localKeys: false;

  /** The place of the counts, for the limiter's check that it counts a request once. */
  readonly prefix: string;
}

/**
 * Makes the store of one limiter, over a store that is found by its name or given, which its owner closes.
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
  let window: FixedWindow | undefined;

  function currentWindow(): FixedWindow {
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
        window ??= fixedWindow(limiter, fallbackMs);
        throw new RangeError(`windowMs must be a number of milliseconds above 0, not ${windowMs}.`);
      }
      if (window !== undefined && window.lengthMs !== windowMs) {
        throw new TypeError(
          `This store serves a limiter with a window of ${window.lengthMs} ms already. Make one for each limiter, with a namespace of its own.`,
        );
      }
      window ??= fixedWindow(limiter, windowMs);
    },

    async get(key) {
      const { counts } = currentWindow();
      const countedAs = countKey(key);
      // In this order: should one window end in between and the next begin, its count gets an end that is too early.
      const [expiresIn, stored] = await Promise.all([counts.expiresIn(countedAs), counts.get(countedAs)]);
      if (expiresIn === undefined || stored === undefined) return undefined;
      return { totalHits: addToInteger(stored, 0), resetTime: resetTimeIn(expiresIn) };
    },

    async increment(key) {
      const { counts, lengthMs } = currentWindow();
      const milliseconds = capMs(lengthMs);
      const { value, expiresIn } = await counts.increment(countKey(key), { expiresIn: { milliseconds } });
      return { totalHits: value, resetTime: resetTimeIn(expiresIn) };
    },

    decrement: async (key) => currentWindow().decrement(countKey(key)),

    async resetKey(key) {
      await currentWindow().counts.delete(countKey(key));
    },

    resetAll: async () => currentWindow().counts.deleteAll(),
  };
}

interface FixedWindow {
  readonly lengthMs: number;
  readonly counts: AtomicStore & NamespacedStore;
  readonly decrement: (key: string) => Promise<void>;
}

/** The window of a limiter whose own was refused: the default of express-rate-limit. */
const fallbackMs = 60_000;

function fixedWindow(limiter: AtomicStore & NamespacedStore, lengthMs: number): FixedWindow {
  const counts = limiter.withNamespace(`${lengthMs}ms`);
  return { lengthMs, counts, decrement: decrementBatcher(counts) };
}

/** The last date that there is, for a count that somebody else made without expiry. */
const lastDateMs = 8.64e15;

function resetTimeIn(seconds: number): Date {
  return new Date(Math.min(time.wallMs() + seconds * 1_000, lastDateMs));
}
