import type { Duration, FullStore } from "@kv/core";
import {
  checkOptions,
  createStore,
  type Driver,
  durationMs,
  type FullDriverNamespace,
} from "@kv/core/driver";
import { Entries } from "./entries.ts";
import { Limits } from "./limits.ts";
import { memoryNamespace } from "./memory-namespace.ts";
import { Sweeper } from "./sweeper.ts";

export type MemoryStore = FullStore;

export interface MemoryStoreOptions {
  /**
   * The most entries to hold, of all namespaces together; beyond it the least recently used are evicted. Without
   * limits nothing is evicted.
   */
  readonly maxEntries?: number | undefined;

  /** The most bytes to hold, of keys (in UTF-8) and values together; beyond it the least recently used go. */
  readonly maxBytes?: number | undefined;

  /**
   * How often expired entries are removed in the background: every minute unless told, `Infinity` for never. They
   * are gone for every operation anyway; this gives back their memory. It never keeps the process alive.
   */
  readonly sweepEvery?: Duration | undefined;

  /** The clock that expiry goes by, in milliseconds: the monotonic `performance.now` unless told. For tests. */
  readonly now?: (() => number) | undefined;

  /** The longest that `close` waits for removals under way: `"5s"` unless told. */
  readonly timeout?: Duration | undefined;
}

const known: readonly string[] = ["maxEntries", "maxBytes", "sweepEvery", "now", "timeout"];

/**
 * Makes a store in this process's memory, with every capability.
 *
 * @throws TypeError, RangeError for options that do not fit
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 *
 * const cache = memoryStore({ maxBytes: 50_000_000 });
 * await cache.set("greeting", "hello", { expiresIn: "10m" });
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  checkOptions(options, known);
  const { maxEntries, maxBytes, sweepEvery = "1m", now = () => performance.now(), timeout } = options;
  const limits =
    maxEntries === undefined && maxBytes === undefined
      ? undefined
      : new Limits({
          entries: checkLimit(maxEntries, "maxEntries"),
          bytes: checkLimit(maxBytes, "maxBytes"),
        });
  const sweepEveryMs = durationMs(sweepEvery, "sweepEvery");
  const entries = new Entries(now, limits);
  const sweeper = sweepEveryMs === Number.POSITIVE_INFINITY ? undefined : new Sweeper(sweepEveryMs, entries);
  const namespace = (path: readonly string[]): FullDriverNamespace => memoryNamespace(entries, sweeper, path);

  return createStore(
    {
      label: "memory",
      root: namespace([]),
      namespace,
      copiesValues: true,
      close() {
        sweeper?.stop();
        entries.clear();
      },
    } satisfies Driver,
    { timeout },
  );
}

function checkLimit(limit: number = Number.POSITIVE_INFINITY, option: string): number {
  if (typeof limit !== "number") throw new TypeError(`${option} must be a number, not ${typeof limit}.`);
  if (limit >= 1) return limit;
  throw new RangeError(`${option} must be at least 1, not ${limit}.`);
}
