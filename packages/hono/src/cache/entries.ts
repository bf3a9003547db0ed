import { type AtomicStore, isStoreError, type StoreError } from "@kv/core";
import { capMs } from "@kv/core/driver";
import { urlKey, variantKey } from "./cache-key.ts";
import { type CacheEntry, readEntry, type StoredResponse, writeEntry } from "./entry-format.ts";
import { conditionsOf } from "./revalidation.ts";

/** The result of looking a request up. */
export interface Lookup {
  readonly url: string;
  /** The key of the response. */
  readonly key: string;
  /** The index that led to the key; none where the URL has one response. */
  readonly varyIndex: { readonly vary: readonly string[]; readonly bytes: Uint8Array } | undefined;
  /** The entry at the key. */
  readonly entry: CacheEntry | undefined;
  /** The same as it is stored. */
  readonly bytes: Uint8Array | undefined;
}

/** The right to write a response to its key, for as long as nobody else writes there. */
export interface Lease {
  readonly lookup: Lookup;
  /** The bytes at the key now: the lock of this lease, or the entry that is to be replaced. */
  readonly expected: Uint8Array;
  /** The entry that keeps others from fetching the same; none for a hit-for-miss. */
  readonly lock: { readonly key: string; readonly bytes: Uint8Array } | undefined;
}

/** The time for which requests for a URL are not collapsed, once its response could not be stored (hit-for-miss). */
const hitForMissMs = 60_000;

/** The least time for which a response with a validator is kept beyond its freshness, to be validated. */
const minValidatableMs = 60_000;

/** The least time for which the index of a URL is kept. */
const minVaryIndexMs = 24 * 60 * 60_000;

/**
 * The entries of a response cache in its store. A write replaces exactly what was read (compareAndSet): a response that
 * was fetched before its entry was removed is not stored after it.
 */
export class ResponseEntries {
  readonly #store: AtomicStore;
  readonly #lockForMs: number;
  readonly #onCorrupt: (error: StoreError) => void;

  constructor(store: AtomicStore, lockForMs: number, onCorrupt: (error: StoreError) => void) {
    this.#store = store;
    this.#lockForMs = lockForMs;
    this.#onCorrupt = onCorrupt;
  }

  async lookUp(url: string, requestHeaders: Headers): Promise<Lookup> {
    const atUrl = await this.#read(urlKey(url));
    if (atUrl.entry?.kind !== "vary") return { url, varyIndex: undefined, ...atUrl };
    const { token, vary } = atUrl.entry;
    const varyIndex = { vary, bytes: atUrl.bytes as Uint8Array };
    return { url, varyIndex, ...(await this.#read(variantKey(url, token, vary, requestHeaders))) };
  }

  /** Acquires the right to store a response that is missing or stale; `undefined` where another request has it. */
  async acquireLease(lookup: Lookup): Promise<Lease | undefined> {
    const { key, entry, bytes } = lookup;
    if (entry?.kind === "pass") return { lookup, expected: bytes as Uint8Array, lock: undefined };
    const pending = writeEntry({ kind: "pending", token: crypto.randomUUID() });
    const lock = { key: entry === undefined ? key : revalidationKey(key), bytes: pending };
    const expiresIn = { milliseconds: this.#lockForMs };
    if (!(await this.#store.setIfAbsent(lock.key, pending, { expiresIn }))) return undefined;
    return { lookup, expected: bytes ?? pending, lock };
  }

  /** Tells whether another request has the lease of what was looked up. */
  async isPending({ key, entry }: Lookup): Promise<boolean> {
    if (entry?.kind === "response") return this.#store.exists(revalidationKey(key));
    return (await this.#read(key)).entry?.kind === "pending";
  }

  /** Renews a lease, unless it has ended. */
  async renewLease({ lock }: Lease): Promise<void> {
    if (lock === undefined) return;
    const expiresIn = { milliseconds: this.#lockForMs };
    await this.#store.compareAndSet(lock.key, lock.bytes, lock.bytes, { expiresIn });
  }

  /** Releases a lease, and leaves the entry that is there as it is. */
  async releaseLease({ lock }: Lease): Promise<void> {
    if (lock !== undefined) await this.#store.compareAndDelete(lock.key, lock.bytes);
  }

  /**
   * Stores a response, and releases the lease.
   *
   * @param vary the request headers that it varies on
   */
  async store(
    lease: Lease,
    response: StoredResponse,
    vary: readonly string[],
    requestHeaders: Headers,
  ): Promise<void> {
    const known = lease.lookup.varyIndex?.vary ?? [];
    const all = [...new Set([...known, ...vary])].toSorted();
    if (all.length > known.length) await this.#storeVariant(lease, response, all, requestHeaders);
    else if ((await this.#replace(lease, response)) && lease.lock?.key === lease.lookup.key) return; // in its place
    await this.releaseLease(lease);
  }

  /** Lets the requests of the next time go to the handler without waiting for one another, and releases the lease. */
  async storeHitForMiss(lease: Lease): Promise<void> {
    const expiresIn = { milliseconds: hitForMissMs };
    await this.#store.compareAndSet(lease.lookup.key, lease.expected, writeEntry({ kind: "pass" }), {
      expiresIn,
    });
    await this.releaseLease(lease);
  }

  /** Removes the responses of a URL, however they vary, and takes the right to store from requests in flight. */
  async invalidate(url: string): Promise<void> {
    await this.#store.delete(urlKey(url));
  }

  /** Stores a response at its key. Returns whether it is there. */
  async #replace({ lookup, expected }: Lease, response: StoredResponse): Promise<boolean> {
    const { key, url, varyIndex } = lookup;
    const lifetimeMs = lifetimeMsOf(response);
    // Without its index nobody finds the response, and with it nobody may who came after a removal.
    if (
      varyIndex !== undefined &&
      !(await this.#replaceIndex(url, varyIndex.bytes, varyIndex.bytes, lifetimeMs))
    ) {
      return false;
    }
    return this.#store.compareAndSet(key, expected, writeEntry(response), {
      expiresIn: { milliseconds: lifetimeMs },
    });
  }

  /** Stores a response that varies on more than was known: under a new index, by which earlier ones are not found. */
  async #storeVariant(
    { lookup, expected }: Lease,
    response: StoredResponse,
    vary: readonly string[],
    requestHeaders: Headers,
  ): Promise<void> {
    const { url, varyIndex } = lookup;
    const lifetimeMs = lifetimeMsOf(response);
    const token = crypto.randomUUID();
    const index = writeEntry({ kind: "vary", token, vary });
    if (!(await this.#replaceIndex(url, varyIndex?.bytes ?? expected, index, lifetimeMs))) return;
    await this.#store.set(variantKey(url, token, vary, requestHeaders), writeEntry(response), {
      expiresIn: { milliseconds: lifetimeMs },
    });
  }

  #replaceIndex(url: string, expected: Uint8Array, index: Uint8Array, lifetimeMs: number): Promise<boolean> {
    return this.#store.compareAndSet(urlKey(url), expected, index, {
      expiresIn: { milliseconds: Math.max(minVaryIndexMs, lifetimeMs) },
    });
  }

  async #read(key: string): Promise<Pick<Lookup, "key" | "entry" | "bytes">> {
    try {
      const bytes = await this.#store.get(key);
      return { key, bytes, entry: bytes === undefined ? undefined : readEntry(bytes) };
    } catch (error) {
      if (!isStoreError(error, "KV_CORRUPT")) throw error;
      this.#onCorrupt(error);
      await this.#store.delete(key);
      return { key, bytes: undefined, entry: undefined };
    }
  }
}

/** The time for which a response may be used in one way or another. */
function lifetimeMsOf(response: StoredResponse): number {
  const { freshForMs, staleWhileRevalidateMs, staleIfErrorMs } = response;
  const validatableMs = conditionsOf(response).length > 0 ? Math.max(minValidatableMs, freshForMs) : 0;
  return capMs(freshForMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs, validatableMs));
}

/** The key of the lock for a response that is revalidated while the stale one stays at its key. */
function revalidationKey(key: string): string {
  return JSON.stringify(["renewing", key]);
}
