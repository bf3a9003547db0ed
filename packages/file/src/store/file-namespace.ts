import { type Answer, after, type DriverValue, type Expiry, type FullDriverNamespace } from "@kv/core/driver";
import type { Batch } from "../calls/call-queue.ts";
import type { FileContext } from "../entries/context.ts";
import { EntryUpdate } from "../entries/entry-update.ts";
import {
  existsQuery,
  expiresInQuery,
  needsQueue,
  type Query,
  querying,
  querySync,
  valueQuery,
} from "../entries/query.ts";
import { Renewal } from "../entries/renewal.ts";
import type { Projection, StoredEntry } from "../entries/stored-entry.ts";
import { transacting } from "../entries/transact.ts";
import type { Work } from "../entries/transaction.ts";
import {
  compareAndRemove,
  compareAndSetTo,
  incrementBy,
  removal,
  setIfAbsentTo,
  setTo,
  taking,
  type Update,
} from "../entries/updates.ts";
import { type EntryKey, entryKey, type NamespaceLocation } from "../format/layout.ts";
import { deleteAll } from "../maintenance/delete-all.ts";
import { listKeys, listNamespaces } from "../maintenance/listing.ts";
import { deleteExpired } from "../maintenance/sweep.ts";
import { settleAll } from "./batch.ts";

/** The operations on one namespace. */
export class FileNamespace implements FullDriverNamespace {
  readonly #context: FileContext;
  readonly #location: NamespaceLocation;

  constructor(context: FileContext, location: NamespaceLocation) {
    this.#context = context;
    this.#location = location;
  }

  get(key: string, batch?: Batch): Answer<Uint8Array | undefined> {
    return this.#query(key, valueQuery, batch);
  }

  exists(key: string): Answer<boolean> {
    return this.#query(key, existsQuery);
  }

  expiresInMs(key: string): Answer<number | undefined> {
    return this.#query(key, expiresInQuery);
  }

  getAndRenew(key: string, renewForMs: number): Answer<Uint8Array | undefined> {
    return after(this.#renew(key, renewForMs, "value"), (entry) => entry?.value);
  }

  touch(key: string, renewForMs: number): Answer<boolean> {
    return after(this.#renew(key, renewForMs, "expiry"), (entry) => entry !== undefined);
  }

  set(key: string, borrowed: DriverValue, expiry: Expiry, batch?: Batch): Answer<void> {
    return this.#update(key, setTo(copyOf(borrowed), expiry), batch);
  }

  delete(key: string, batch?: Batch): Answer<boolean> {
    return this.#update(key, removal, batch);
  }

  increment(key: string, by: number, expiresInMs: number): Answer<{ value: number; expiresInMs: number }> {
    return this.#update(key, incrementBy(by, expiresInMs));
  }

  setIfAbsent(key: string, borrowed: DriverValue, expiresInMs: number): Answer<boolean> {
    return this.#update(key, setIfAbsentTo(copyOf(borrowed), expiresInMs));
  }

  compareAndSet(
    key: string,
    borrowedExpected: DriverValue,
    borrowed: DriverValue,
    expiry: Expiry,
  ): Answer<boolean> {
    return this.#update(key, compareAndSetTo(copyOf(borrowedExpected), copyOf(borrowed), expiry));
  }

  compareAndDelete(key: string, borrowedExpected: DriverValue): Answer<boolean> {
    return this.#update(key, compareAndRemove(copyOf(borrowedExpected)));
  }

  take(key: string): Answer<Uint8Array | undefined> {
    return this.#update(key, taking);
  }

  getMany(keys: readonly string[]): Answer<(Uint8Array | undefined)[]> {
    const batch = this.#context.queue.batch();
    return settleAll(eachOf(keys, (key) => this.get(key, batch)));
  }

  setMany(entries: ReadonlyMap<string, DriverValue>, expiry: Expiry): Answer<void> {
    const batch = this.#context.queue.batch();
    const answers = eachOf(entries, ([key, value]) => this.set(key, value, expiry, batch));
    return after(settleAll(answers), () => undefined);
  }

  deleteMany(keys: ReadonlySet<string>): Answer<number> {
    const batch = this.#context.queue.batch();
    const answers = eachOf(keys, (key) => this.delete(key, batch));
    return after(settleAll(answers), (deleted) => deleted.filter(Boolean).length);
  }

  deleteAll(): Promise<void> {
    return deleteAll(this.#context, this.#location);
  }

  deleteExpired(): Promise<number> {
    return deleteExpired(this.#context, this.#location);
  }

  keys(): AsyncIterable<string[]> {
    return listKeys(this.#context, this.#location);
  }

  namespaces(): AsyncIterable<string[]> {
    return listNamespaces(this.#context, this.#location);
  }

  /** Answers a query, synchronously where nothing is in the way. */
  #query<T>(key: string, query: Query<T>, batch?: Batch): Answer<T> {
    const context = this.#context;
    const entry = entryKey(this.#location, key);
    const isFree = context.directory.isOpen && context.queue.isFree(entry, "read");
    const answer = isFree ? querySync(context, entry, query) : needsQueue;
    if (answer !== needsQueue) return answer;
    return context.queue.runOnKey(entry, "read", querying(context, entry, query, isFree), batch);
  }

  /** Renews an entry, if there is anything to renew. */
  #renew(key: string, renewForMs: number, reads: Projection): Answer<StoredEntry | undefined> {
    const entry = entryKey(this.#location, key);
    return this.#transact(entry, new Renewal(entry, renewForMs, reads));
  }

  #update<T>(key: string, update: Update<T>, batch?: Batch): Answer<T> {
    const entry = entryKey(this.#location, key);
    return this.#transact(entry, new EntryUpdate(entry, update), batch);
  }

  #transact<T>(entry: EntryKey, work: Work<T>, batch?: Batch): Answer<T> {
    this.#context.sweeper.start();
    return this.#context.queue.runOnKey(entry, "write", transacting(this.#context, entry, work), batch);
  }
}

/** Work may have to wait, and the caller may change the bytes meanwhile (S3). */
function copyOf(value: DriverValue): DriverValue {
  return typeof value === "string" ? value : new Uint8Array(value);
}

/** Makes a call for each item, also where one before it has failed. */
function eachOf<K, T>(items: Iterable<K>, call: (item: K) => Answer<T>): Answer<T>[] {
  return Array.from(items, (item) => {
    try {
      return call(item);
    } catch (error) {
      return Promise.reject(error);
    }
  });
}
