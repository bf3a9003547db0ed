import { isStoreError, StoreError } from "@kv/core";
import {
  type Answer,
  addToInteger,
  bytesOf,
  type DriverValue,
  type Expiry,
  type FullDriverNamespace,
  sameBytes,
} from "@kv/core/driver";
import type { Batch, Call } from "./call-queue.ts";
import type { FileContext } from "./context.ts";
import { deleteAll } from "./delete-all.ts";
import type { Found, Wanted } from "./entry-files.ts";
import { closed, explain } from "./errors.ts";
import { type Gensync, run } from "./gensync.ts";
import { type EntryKey, entryKey, type Place } from "./layout.ts";
import { listKeys, listNamespaces } from "./listing.ts";
import { deleteExpired } from "./sweep.ts";
import { type Put, type Transaction, transact } from "./transaction.ts";

const never = Number.POSITIVE_INFINITY;

/** What is to become of an entry, and the answer to the caller. */
interface Decision<T> {
  readonly answer: T;
  readonly put?: Put;
  readonly removes?: boolean;
}

type Decide<T> = (found: Found | undefined, nowMs: number) => Decision<T>;

/**
 * What has to be known of an entry, to decide: nothing; what `Wanted` says; its expiry, and a damaged one is taken as one
 * that never expires; or its value, for a change that is made in any case, and looks under the lock alone.
 */
type Needed = "nothing" | Wanted | "expiry, or damage" | "value, under the lock";

/** The operations on one namespace. */
export class FileNamespace implements FullDriverNamespace {
  readonly #context: FileContext;
  readonly #place: Place;

  constructor(context: FileContext, place: Place) {
    this.#context = context;
    this.#place = place;
  }

  get(key: string, batch?: Batch): Answer<Uint8Array | undefined> {
    return this.#look(key, "value", (found) => found?.value, batch);
  }

  exists(key: string): Answer<boolean> {
    return this.#look(key, "expiry", (found) => found !== undefined);
  }

  expiresInMs(key: string): Answer<number | undefined> {
    return this.#look(key, "expiry", (found, nowMs) => found && found.expiresAtMs - nowMs);
  }

  getAndRenew(key: string, renewForMs: number): Answer<Uint8Array | undefined> {
    return after(this.#renew(key, renewForMs, "value"), (found) => found?.value);
  }

  touch(key: string, renewForMs: number): Answer<boolean> {
    return after(this.#renew(key, renewForMs, "expiry"), (found) => found !== undefined);
  }

  set(key: string, lent: DriverValue, expiry: Expiry, batch?: Batch): Answer<void> {
    const value = copied(lent);
    if (expiry !== "keep") {
      return this.#change(key, "nothing", (_, nowMs) => put(value, nowMs + expiry, undefined), batch);
    }
    const decide = (found: Found | undefined): Decision<void> =>
      put(value, found?.expiresAtMs ?? never, undefined);
    return this.#change(key, "expiry, or damage", decide, batch);
  }

  delete(key: string, batch?: Batch): Answer<boolean> {
    return this.#change(key, "expiry, or damage", (found) => removeIf(found !== undefined), batch);
  }

  increment(key: string, by: number, expiresInMs: number): Answer<{ value: number; expiresInMs: number }> {
    return this.#change(key, "value, under the lock", (found, nowMs) => {
      const value = addToInteger(found?.value, by);
      const expiresAtMs = found?.expiresAtMs ?? nowMs + expiresInMs;
      return put(String(value), expiresAtMs, { value, expiresInMs: expiresAtMs - nowMs });
    });
  }

  setIfAbsent(key: string, lent: DriverValue, expiresInMs: number): Answer<boolean> {
    const value = copied(lent);
    return this.#change(key, "expiry", (found, nowMs) =>
      found === undefined ? put(value, nowMs + expiresInMs, true) : leave(false),
    );
  }

  compareAndSet(key: string, lentExpected: DriverValue, lent: DriverValue, expiry: Expiry): Answer<boolean> {
    const expected = copied(lentExpected);
    const value = copied(lent);
    return this.#change(key, "value", (found, nowMs) =>
      holds(found, expected)
        ? put(value, expiry === "keep" ? found.expiresAtMs : nowMs + expiry, true)
        : leave(false),
    );
  }

  compareAndDelete(key: string, lentExpected: DriverValue): Answer<boolean> {
    const expected = copied(lentExpected);
    return this.#change(key, "value", (found) => removeIf(holds(found, expected)));
  }

  take(key: string): Answer<Uint8Array | undefined> {
    return this.#change(key, "value", (found) => ({ answer: found?.value, removes: found !== undefined }));
  }

  getMany(keys: readonly string[]): Answer<(Uint8Array | undefined)[]> {
    const batch = this.#context.queue.batch();
    return allOf(keys, batch, (key) => this.get(key, batch));
  }

  setMany(entries: ReadonlyMap<string, DriverValue>, expiry: Expiry): Answer<void> {
    const batch = this.#context.queue.batch();
    return after(
      allOf(entries, batch, ([key, value]) => this.set(key, value, expiry, batch)),
      () => undefined,
    );
  }

  deleteMany(keys: ReadonlySet<string>): Answer<number> {
    const batch = this.#context.queue.batch();
    return after(
      allOf(keys, batch, (key) => this.delete(key, batch)),
      (deleted) => deleted.filter(Boolean).length,
    );
  }

  deleteAll(): Promise<void> {
    return deleteAll(this.#context, this.#place);
  }

  deleteExpired(): Promise<number> {
    return deleteExpired(this.#context, this.#place);
  }

  keys(): AsyncIterable<string[]> {
    return listKeys(this.#context, this.#place);
  }

  namespaces(): AsyncIterable<string[]> {
    return listNamespaces(this.#context, this.#place);
  }

  /** The entry if it is live, and when it was looked for. */
  #look<T>(
    key: string,
    wanted: Wanted,
    meaning: (found: Found | undefined, nowMs: number) => T,
    batch?: Batch,
  ): Answer<T> {
    const { directory, queue, files, now } = this.#context;
    const at = entryKey(this.#place, key);
    let isLarge = false;
    if (directory.isOpen && queue.isFree(at.hash, "read")) {
      const nowMs = now();
      const found = files.readAtOnce(at);
      if (found !== "later") return meaning(liveAt(nowMs, found), nowMs);
      isLarge = true;
    }
    const look = (call: Call): Answer<T> => {
      const nowMs = now();
      const read = isLarge ? files.readLater(at, wanted, call) : files.read(at, wanted, call);
      const found = run(this.#opened(read), call);
      return after(found, (each) => meaning(liveAt(nowMs, each), nowMs));
    };
    return queue.onKey(this.#place, at.hash, "read", look, batch);
  }

  /** Renews, if there is anything to renew. */
  #renew(key: string, renewForMs: number, wanted: Wanted): Answer<Found | undefined> {
    return this.#transact(key, (at, transaction) => transaction.renew(at, renewForMs, wanted));
  }

  #change<T>(key: string, needed: Needed, decide: Decide<T>, batch?: Batch): Answer<T> {
    return this.#transact(
      key,
      (at, transaction, call) => this.#decided(at, transaction, call, needed, decide),
      batch,
    );
  }

  #transact<T>(
    key: string,
    work: (at: EntryKey, transaction: Transaction, call: Call) => Gensync<T>,
    batch?: Batch,
  ): Answer<T> {
    const context = this.#context;
    const at = entryKey(this.#place, key);
    context.sweeper?.start();
    const change = (call: Call): Answer<T> =>
      run(this.#opened(transact(context, at, call, (transaction) => work(at, transaction, call))), call);
    return context.queue.onKey(this.#place, at.hash, "change", change, batch);
  }

  /** Decides by a look without a lock, which is the answer if nothing is to be changed, and for sure by one under it. */
  *#decided<T>(
    at: EntryKey,
    transaction: Transaction,
    call: Call,
    needed: Needed,
    decide: Decide<T>,
  ): Gensync<T> {
    let nowMs = this.#context.now();
    let staged: Put | undefined;
    if (needed === "value, under the lock") yield* transaction.begin();
    else {
      const first = decide(yield* this.#find(at, needed, call), nowMs);
      if (first.put === undefined && first.removes !== true) return first.answer;
      if (first.put !== undefined) yield* transaction.begin();
      if (first.put !== undefined) yield* transaction.stage(at, first.put); // it takes long, and others need not wait for it
      staged = first.put;
    }
    const hasWaited = yield* transaction.lock();
    if (staged === undefined || hasWaited) nowMs = this.#context.now();
    const found = yield* this.#find(at, needed, call);
    const { answer, put: sure, removes } = decide(found, nowMs);
    if (sure !== undefined && sure.expiresAtMs !== staged?.expiresAtMs) yield* transaction.stage(at, sure);
    transaction.expectLive(found);
    if (removes === true) yield* transaction.remove();
    if (sure === undefined) return answer;
    yield* transaction.commit();
    return answer;
  }

  /**
   * The entry if it had not expired when this began: by then it was there, whatever others do while it is read. Needs no
   * lock: a file never changes but in its expiry, which is read and written in one piece.
   */
  *#find(at: EntryKey, needed: Needed, call: Call): Gensync<Found | undefined> {
    if (needed === "nothing") return undefined;
    const nowMs = this.#context.now();
    try {
      const wanted = needed.startsWith("value") ? "value" : "expiry";
      return liveAt(nowMs, yield* this.#context.files.read(at, wanted, call));
    } catch (error) {
      if (needed === "expiry, or damage" && isStoreError(error, "KV_CORRUPT")) return damaged;
      throw error;
    }
  }

  *#opened<T>(work: Gensync<T>): Gensync<T> {
    if (this.#context.directory.isClosed) throw closed();
    yield* this.#context.directory.open();
    return yield* work;
  }
}

const damaged: Found = { expiresAtMs: never, value: new Uint8Array(0) };

function put<T>(value: DriverValue, expiresAtMs: number, answer: T): Decision<T> {
  return { answer, put: { value, expiresAtMs } };
}

function removeIf(removes: boolean): Decision<boolean> {
  return { answer: removes, removes };
}

function leave<T>(answer: T): Decision<T> {
  return { answer };
}

function liveAt(nowMs: number, found: Found | undefined): Found | undefined {
  return found === undefined || found.expiresAtMs <= nowMs ? undefined : found;
}

function holds(found: Found | undefined, expected: DriverValue): found is Found {
  return found !== undefined && sameBytes(found.value, bytesOf(expected));
}

/** Work may have to wait, and the caller may change the bytes meanwhile (S3). */
function copied(value: DriverValue): DriverValue {
  return typeof value === "string" ? value : new Uint8Array(value);
}

function after<T, R>(answer: Answer<T>, then: (value: T) => R): Answer<R> {
  return answer instanceof Promise ? answer.then(then) : then(answer);
}

/** The calls of a batch, each of them made, also where one before it failed. */
function allOf<K, T>(items: Iterable<K>, batch: Batch, call: (item: K) => Answer<T>): Answer<T[]> {
  const answers = Array.from(items, (item) => {
    try {
      return call(item);
    } catch (error) {
      return Promise.reject(error);
    }
  });
  batch.deadline.moveOn(); // to ask for them all may have taken its time
  if (!answers.some((answer) => answer instanceof Promise)) return answers as T[];
  return Promise.allSettled(answers).then((settled) => {
    const failures = settled
      .filter((each) => each.status === "rejected")
      .map(({ reason }) => reason as unknown);
    if (failures.length > 0) throw gravest(failures, settled.length);
    return settled.map((each) => (each as PromiseFulfilledResult<T>).value);
  });
}

/** What to tell of a batch, some of which failed: where one may have been done, that. */
function gravest(failures: readonly unknown[], outOf: number): StoreError {
  const { code, message, cause } = failures
    .map((failure) => {
      if (isStoreError(failure)) return failure;
      const { code: itsCode, message: itsMessage } = explain(failure);
      return new StoreError(itsCode, itsMessage, { cause: failure });
    })
    .reduce((first, next) => (next.code === "KV_OUTCOME_UNKNOWN" ? next : first));
  return new StoreError(code, `${failures.length} of ${outOf} keys failed: ${message}`, { cause });
}
