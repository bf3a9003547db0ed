import { type AtomicStore, isStoreError, type StoreError } from "@kv/core";
import { capMs } from "@kv/core/driver";
import { type CacheEntry, readEntry, type StoredResponse, writeEntry } from "./cache-entry.ts";
import { urlKey, variantKey } from "./cache-key.ts";
import { conditionsOf } from "./validation.ts";

/** What was found for a request, and where. */
export interface Found {
  readonly url: string;
  readonly key: string;
  /** The rule that led to the key, as it stands in the store. */
  readonly rule: { readonly record: Uint8Array; readonly vary: readonly string[] } | undefined;
  readonly entry: CacheEntry | undefined;
  /** The entry as it stands in the store. */
  readonly record: Uint8Array | undefined;
}

/** The right to write what stands at a place, for as long as nobody else wrote there meanwhile. */
export interface Lease {
  readonly found: Found;
  /** What is at the key now: the mark of this lease, or the entry that is to be replaced. */
  readonly record: Uint8Array;
  /** The mark that keeps others from computing the same, if there is one, and where it stands. */
  readonly mark: { readonly key: string; readonly record: Uint8Array } | undefined;
}

/** How long a URL passes by, once its response could not be stored. */
const passForMs = 60_000;

/** How long a response is kept at least, once it may not be used any more, for it to be validated. */
const validatedForMs = 60_000;

/** How long it is remembered by which headers the responses of a URL differ. */
const ruleForMs = 24 * 60 * 60_000;

/**
 * The entries of a response cache in its store. What is written replaces exactly what was read (compareAndSet): a
 * response that was computed before somebody removed the entry is not stored after it.
 */
export class ResponseEntries {
  readonly #store: AtomicStore;
  readonly #lockForMs: number;
  readonly #onDamaged: (error: StoreError) => void;

  constructor(store: AtomicStore, lockForMs: number, onDamaged: (error: StoreError) => void) {
    this.#store = store;
    this.#lockForMs = lockForMs;
    this.#onDamaged = onDamaged;
  }

  async find(url: string, headers: Headers): Promise<Found> {
    const atUrl = await this.#look(urlKey(url));
    if (atUrl.entry?.kind !== "vary") return { url, rule: undefined, ...atUrl };
    const { token, vary } = atUrl.entry;
    const rule = { record: atUrl.record as Uint8Array, vary };
    return { url, rule, ...(await this.#look(variantKey(url, token, vary, headers))) };
  }

  /** Takes the right to compute what is missing or stale; `undefined` where another has it. */
  async take(found: Found): Promise<Lease | undefined> {
    const { key, entry, record } = found;
    if (entry?.kind === "pass") return { found, record: record as Uint8Array, mark: undefined };
    const mine = writeEntry({ kind: "pending", token: crypto.randomUUID() });
    const markKey = entry === undefined ? key : renewalKey(key);
    const expiresIn = { milliseconds: this.#lockForMs };
    if (!(await this.#store.setIfAbsent(markKey, mine, { expiresIn }))) return undefined;
    return { found, record: record ?? mine, mark: { key: markKey, record: mine } };
  }

  /** Whether somebody computes what was found missing or stale. */
  async isUnderWay({ key, entry }: Found): Promise<boolean> {
    if (entry?.kind === "response") return this.#store.exists(renewalKey(key));
    return (await this.#look(key)).entry?.kind === "pending";
  }

  /** Keeps a lease for another while. */
  async keep({ mark }: Lease): Promise<void> {
    if (mark === undefined) return;
    const expiresIn = { milliseconds: this.#lockForMs };
    await this.#store.compareAndSet(mark.key, mark.record, mark.record, { expiresIn });
  }

  /**
   * Stores a response in the place of what the lease is for, and gives the lease back.
   *
   * @param vary by which request headers it differs
   */
  async put(
    lease: Lease,
    response: StoredResponse,
    vary: readonly string[],
    headers: Headers,
  ): Promise<void> {
    const { found, record } = lease;
    const { freshForMs, staleWhileRevalidateMs, staleIfErrorMs } = response;
    const keptForMs = conditionsOf(response).length > 0 ? Math.max(validatedForMs, freshForMs) : 0;
    const livesMs = capMs(freshForMs + Math.max(staleWhileRevalidateMs, staleIfErrorMs, keptForMs));
    const expiresIn = { milliseconds: livesMs };
    const ruleExpiresIn = { milliseconds: Math.max(ruleForMs, livesMs) };
    const known = found.rule?.vary ?? [];
    const all = [...new Set([...known, ...vary])].toSorted();
    const bytes = writeEntry(response);

    if (all.length > known.length) {
      const token = crypto.randomUUID();
      const rule = writeEntry({ kind: "vary", token, vary: all });
      const replaced = found.rule?.record ?? record;
      const isOurs = await this.#store.compareAndSet(urlKey(found.url), replaced, rule, {
        expiresIn: ruleExpiresIn,
      });
      if (isOurs) await this.#store.set(variantKey(found.url, token, all, headers), bytes, { expiresIn });
    } else if (
      found.rule === undefined ||
      // Without its rule nobody finds the response, and with it nobody may who came after a removal.
      (await this.#store.compareAndSet(urlKey(found.url), found.rule.record, found.rule.record, {
        expiresIn: ruleExpiresIn,
      }))
    ) {
      const isOurs = await this.#store.compareAndSet(found.key, record, bytes, { expiresIn });
      if (isOurs && lease.mark?.key === found.key) return; // the response has taken the place of the mark
    }
    await this.giveBack(lease);
  }

  /** Lets those who come next pass by, and gives the lease back. */
  async pass(lease: Lease): Promise<void> {
    const expiresIn = { milliseconds: passForMs };
    await this.#store.compareAndSet(lease.found.key, lease.record, writeEntry({ kind: "pass" }), {
      expiresIn,
    });
    await this.giveBack(lease);
  }

  /** Gives a lease back, and leaves what is there as it is. */
  async giveBack({ mark }: Lease): Promise<void> {
    if (mark !== undefined) await this.#store.compareAndDelete(mark.key, mark.record);
  }

  /** Removes the responses of a URL, however they vary, and takes their right to store from those under way. */
  async remove(url: string): Promise<void> {
    await this.#store.delete(urlKey(url));
  }

  async #look(key: string): Promise<Pick<Found, "key" | "entry" | "record">> {
    try {
      const record = await this.#store.get(key);
      return { key, record, entry: record === undefined ? undefined : readEntry(record) };
    } catch (error) {
      if (!isStoreError(error, "KV_CORRUPT")) throw error;
      this.#onDamaged(error);
      await this.#store.delete(key);
      return { key, record: undefined, entry: undefined };
    }
  }
}

/** Where the mark of those lies who compute anew what is there. */
function renewalKey(key: string): string {
  return JSON.stringify(["renewing", key]);
}
