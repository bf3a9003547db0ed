import {
  type AtomicStore,
  type Bytes,
  isStoreError,
  type ListableStore,
  type NamespacedStore,
} from "@kv/core";
import { nextBatchLength, time } from "@kv/core/driver";

/** The options of `copyStore`. */
export interface CopyOptions {
  /** Leaves entries that the target holds already as they are (`setIfAbsent`). Default: `false`, they are replaced. */
  readonly ifAbsent?: boolean | undefined;

  /** Called after each batch, with an object whose counts keep changing. */
  readonly onProgress?: ((counts: CopyCounts) => void) | undefined;

  /** Called for each damaged entry of the source (`KV_CORRUPT`), which is skipped. */
  readonly onDamaged?: ((namespace: readonly string[], key: string) => void) | undefined;
}

/** The counts of a copy. */
export interface CopyCounts {
  /** Entries written to the target. */
  copied: number;
  /** Bytes of their values. */
  bytes: number;
  /** Entries that the target held already, with `ifAbsent`. */
  kept: number;
  /** Entries that expired or were deleted while this ran. */
  gone: number;
  /** Entries of the source that are damaged, or of a type that a store does not write. */
  damaged: number;
}

/** A store that can be copied from. */
export type CopySource = ListableStore & NamespacedStore;

/** A store that can be copied to. */
export type CopyTarget = AtomicStore & NamespacedStore;

/**
 * Copies every entry of a store and of all namespaces below it, with its expiry. It can be run again, after a failure
 * or to catch up: existing entries are written again, or skipped with `ifAbsent`. Nothing is deleted from the
 * target.
 *
 * The value and the expiry of an entry belong together, even under concurrent writes. The copy expires at most
 * the round trip of a batch earlier or later. Some megabytes are held at a time, or one value where that is larger.
 *
 * @example
 * ```ts
 * import { copyStore } from "@kv/cli";
 * import { fileStore } from "@kv/file";
 * import { redisStore } from "@kv/redis";
 *
 * const counts = await copyStore(
 *   fileStore({ directory: ".kv" }),
 *   redisStore({ url: "redis://localhost:6379" }),
 * );
 * console.log(counts.copied);
 * ```
 */
export async function copyStore(
  from: CopySource,
  to: CopyTarget,
  options: CopyOptions = {},
): Promise<CopyCounts> {
  const counts: CopyCounts = { copied: 0, bytes: 0, kept: 0, gone: 0, damaged: 0 };
  for await (const pair of pairsBelow(from, to)) await copyNamespace(pair, counts, options);
  return counts;
}

interface NamespacePair {
  readonly from: CopySource;
  readonly to: CopyTarget;
}

interface Entry {
  readonly key: string;
  readonly value: Bytes;
  /** On the monotonic clock. */
  readonly expiresAtMs: number;
}

async function* pairsBelow(from: CopySource, to: CopyTarget): AsyncGenerator<NamespacePair> {
  yield { from, to };
  for await (const name of from.namespaces())
    yield* pairsBelow(from.withNamespace(name), to.withNamespace(name));
}

async function copyNamespace(pair: NamespacePair, counts: CopyCounts, options: CopyOptions): Promise<void> {
  let size = 1;
  let batch: string[] = [];
  const flush = async (): Promise<void> => {
    const bytes = await copyBatch(pair, batch, counts, options);
    size = nextBatchLength(batch.length, bytes);
    batch = [];
    options.onProgress?.(counts);
  };
  for await (const key of pair.from.keys()) {
    batch.push(key);
    if (batch.length >= size) await flush();
  }
  if (batch.length > 0) await flush();
}

/** Copies the entries of some keys. Returns the bytes of their values. */
async function copyBatch(
  { from, to }: NamespacePair,
  keys: readonly string[],
  counts: CopyCounts,
  { ifAbsent = false, onDamaged }: CopyOptions,
): Promise<number> {
  const there = ifAbsent ? await Promise.all(keys.map((key) => to.exists(key))) : [];
  const wanted = keys.filter((_, at) => there[at] !== true);
  counts.kept += keys.length - wanted.length;

  let bytes = 0;
  const entries = await Promise.all(wanted.map((key) => readEntry(from, key)));
  await Promise.all(
    entries.map(async (entry, at) => {
      if (entry === "damaged") onDamaged?.(from.namespace ?? [], wanted[at] as string);
      const length = typeof entry === "object" ? entry.value.length : 0;
      bytes += length;
      const outcome = typeof entry === "object" ? await writeEntry(to, entry, ifAbsent) : entry;
      counts[outcome] += 1;
      if (outcome === "copied") counts.bytes += length;
    }),
  );
  return bytes;
}

/** For an entry that keeps changing, the last of so many readings wins. */
const maxReadings = 5;
/** Expiries have a resolution of a millisecond, so two readings may differ by that much more than the time between them. */
const grainMs = 2;

async function readEntry(store: CopySource, key: string): Promise<Entry | "gone" | "damaged"> {
  try {
    for (let reading = 1; ; reading += 1) {
      const fromMs = time.monotonicMs();
      // In this order (S6), and in one round trip where the store batches calls.
      const [before, value, after] = await Promise.all([
        store.expiresIn(key),
        store.get(key),
        store.expiresIn(key),
      ]);
      if (before === undefined) return "gone";
      if (value === undefined || after === undefined) {
        if (reading < maxReadings) continue;
        return after === undefined ? "gone" : "damaged"; // it exists, and cannot be read
      }
      const passedMs = time.monotonicMs() - fromMs;
      const elapsedMs = before === after ? 0 : (before - after) * 1_000;
      // Otherwise it was written between the two, and the value may belong to the other expiry.
      const same = elapsedMs >= -grainMs && elapsedMs <= passedMs + grainMs;
      if (same || reading === maxReadings) return { key, value, expiresAtMs: fromMs + after * 1_000 };
    }
  } catch (error) {
    if (isStoreError(error, "KV_CORRUPT")) return "damaged";
    throw error;
  }
}

async function writeEntry(
  store: CopyTarget,
  entry: Entry,
  ifAbsent: boolean,
): Promise<"copied" | "kept" | "gone"> {
  const leftMs = entry.expiresAtMs - time.monotonicMs();
  if (leftMs <= 0) return "gone";
  const options = leftMs === Number.POSITIVE_INFINITY ? {} : { expiresIn: { milliseconds: leftMs } };
  if (ifAbsent) return (await store.setIfAbsent(entry.key, entry.value, options)) ? "copied" : "kept";
  await store.set(entry.key, entry.value, options);
  return "copied";
}
