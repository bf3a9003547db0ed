import type { Duration, FullStore } from "@kv/core";
import { checkOptions, createStore, type Driver, durationMs, inBackground, time } from "@kv/core/driver";
import { EntryTable } from "../entries/entry-table.ts";
import { LruTracker } from "../eviction/lru-tracker.ts";
import { expirySweep } from "../maintenance/expiry-sweep.ts";
import { MemoryNamespace } from "./namespace.ts";

/** A store in this process's memory. */
export type MemoryStore = FullStore;

/** The options of `memoryStore`. */
export interface MemoryStoreOptions {
  /**
   * The most entries to hold, of all namespaces together; beyond it the least recently used are evicted. Default: no limit.
   */
  readonly maxEntries?: number | undefined;

  /**
   * The most bytes to hold, of keys (in UTF-8) and values together; beyond it the least recently used entries are evicted.
   * Default: no limit.
   */
  readonly maxBytes?: number | undefined;

  /**
   * The time between two removals of expired entries in the background, `Infinity` for never. They are gone for every operation anyway;
   * this releases their memory. It never keeps the process alive. Default: every minute.
   */
  readonly sweepEvery?: Duration | undefined;

  /** The clock that expiry goes by, in milliseconds, for tests. Default: the monotonic `performance.now`. */
  readonly now?: (() => number) | undefined;

  /** The longest that `close` waits for removals in flight. Default: 5 s. */
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
  const { maxEntries, maxBytes, sweepEvery = "1m", now = () => time.monotonicMs(), timeout } = options;
  const lru =
    maxEntries === undefined && maxBytes === undefined
      ? undefined
      : new LruTracker({
          entries: checkLimit(maxEntries, "maxEntries"),
          bytes: checkLimit(maxBytes, "maxBytes"),
        });
  const table = new EntryTable(now, lru);
  const sweep = expirySweep(durationMs(sweepEvery, "sweepEvery"), table);
  const namespace = (path: readonly string[]): MemoryNamespace => new MemoryNamespace(table, sweep, path);

  return createStore(
    {
      label: "memory",
      root: namespace([]),
      namespace,
      copiesValues: true,
      close() {
        table.clear();
        inBackground(() => sweep.stop());
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
