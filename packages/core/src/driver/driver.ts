import type { Answer } from "../concurrency/answer.ts";
import type { StoreErrorCode } from "../errors/store-error.ts";

/**
 * A backend, as core sees it: a small object, over which `createStore` makes the store that people hold. The store checks
 * arguments, converts durations, copies bytes, counts the calls in flight, refuses calls once it is closed and wraps
 * errors; a driver does the storing.
 *
 * Every method may answer synchronously or with a native promise. Arguments are checked already. What a method throws
 * or rejects with is turned into a `StoreError` by `explain`.
 *
 * A capability is there when its methods are (see the interfaces below): the store then has it, in its type and
 * at run time.
 */
export interface Driver {
  /** The name of the backend in error messages: `memory`, `redis at 127.0.0.1:6379`. Never a password. */
  readonly label: string;

  /** The path at which the root begins; `null` where the root's keys are not the store's own (N4). Default: `[]`. */
  readonly rootPath?: readonly string[] | null;

  /** The namespace at `rootPath`. */
  readonly root: DriverNamespace;

  /**
   * Returns the namespace of that path, which begins with `rootPath`. Must touch nothing (L4) and cost little: it is
   * asked for again by every `withNamespace`. Without this method the store has no namespaces.
   */
  namespace?(path: readonly string[]): DriverNamespace;

  /**
   * Says that the driver keeps S3 by itself: bytes that it is given stay the caller's, so it takes what it needs of them
   * before its method returns; and an array that it gives is the caller's from then on, over a buffer that holds
   * nothing else. Default: `false`, the store copies on the way in and on the way out. Worth it only where the
   * driver has to copy anyway.
   */
  readonly copiesValues?: boolean;

  /** Names the code of an error of the backend's, and says what happened and what to do, without values or keys. */
  explain?(error: unknown): Explanation;

  /**
   * Closes what the driver opened, and only that. Called once, when no call is in flight or when waiting for them
   * took too long; what is still in flight then must settle soon.
   *
   * @param remainingMs how long this may take
   */
  close?(remainingMs: number): Answer<void>;
}

/**
 * A value to be stored: a well-formed string, to be stored as its UTF-8, or bytes that are the driver's to keep, unless
 * it said that it copies them.
 */
export type DriverValue = Uint8Array | string;

/** The expiry of an entry: in so many milliseconds, `Infinity` for never, or with the entry that it replaces. */
export type Expiry = number | "keep";

export interface Explanation {
  /** The code on which the caller of the store acts. */
  readonly code: StoreErrorCode;
  /** Says what happened and what to do, without values and keys. */
  readonly message: string;
  /** The backend's own error, without the values and passwords that clients attach to it. Default: `error` itself. */
  readonly cause?: unknown;
}

/**
 * One namespace as a driver sees it. An expired entry is not there, for every operation. Calls take effect on a
 * key in the order in which they were made (S6).
 */
export interface DriverNamespace {
  /** Gets the bytes, or a view of them: the store copies them immediately, unless the driver does. */
  get(key: string): Answer<Uint8Array | undefined>;

  /** Gets the bytes as `get` does and moves the expiry as `touch` does, in one atomic step. */
  getAndRenew(key: string, renewForMs: number): Answer<Uint8Array | undefined>;

  /** Stores a value, in the place of an older one. */
  set(key: string, value: DriverValue, expiry: Expiry): Answer<void>;

  /** Moves the expiry of an entry that has one, in one atomic step; `Infinity` removes it. Tells whether there was an entry. */
  touch(key: string, renewForMs: number): Answer<boolean>;

  /** Removes an entry. Tells whether there was one. */
  delete(key: string): Answer<boolean>;

  /** Tells whether there is an entry. */
  exists(key: string): Answer<boolean>;

  /** Tells how many milliseconds are left: `Infinity` for an entry without expiry, `undefined` where there is none. */
  expiresInMs(key: string): Answer<number | undefined>;

  /** Empties this namespace and all below it (N2, N5). */
  deleteAll(): Answer<void>;
}

/** Batches, atomic key by key. */
export interface BatchDriverNamespace extends DriverNamespace {
  /** Gets the values in the order of the keys. */
  getMany(keys: readonly string[]): Answer<readonly (Uint8Array | undefined)[]>;
  /** Stores all entries, with one expiry. */
  setMany(entries: ReadonlyMap<string, DriverValue>, expiry: Expiry): Answer<void>;
  /** Removes the entries of these keys. Tells how many there were. */
  deleteMany(keys: ReadonlySet<string>): Answer<number>;
}

/** Atomic steps, exact across all processes that share the data. */
export interface AtomicDriverNamespace extends DriverNamespace {
  /** Adds to an integer. Rejects with a `StoreError` of code `KV_NOT_AN_INTEGER` where the sum cannot be; see `addToInteger`. */
  increment(key: string, by: number, expiresInMs: number): Answer<{ value: number; expiresInMs: number }>;
  /** Writes only where nothing is. Tells whether it did. */
  setIfAbsent(key: string, value: DriverValue, expiresInMs: number): Answer<boolean>;
  /** Writes only where the entry holds `expected`, byte for byte. Tells whether it did. */
  compareAndSet(key: string, expected: DriverValue, value: DriverValue, expiry: Expiry): Answer<boolean>;
  /** Removes only what holds `expected`, byte for byte. Tells whether it did. */
  compareAndDelete(key: string, expected: DriverValue): Answer<boolean>;

  /**
   * Gets and removes in one atomic step; a damaged entry stays. Without this method the store does it by `get` and
   * `compareAndDelete`, until nobody comes between.
   */
  take?(key: string): Answer<Uint8Array | undefined>;
}

/** Listings, in pages of a size that suits the backend. Leaving early calls the iterator's `return`. */
export interface ListableDriverNamespace extends DriverNamespace {
  /** Lists the keys that begin with `prefix`, which may be empty; others that come too are left out. */
  keys(prefix: string): AsyncIterable<readonly string[]>;
  /** Lists the names of the direct children that hold something, themselves or further below. */
  namespaces(): AsyncIterable<readonly string[]>;
}

/** Removal of what has expired, in this namespace and all below it. */
export interface ExpirableDriverNamespace extends DriverNamespace {
  /** Removes what has expired. Tells how many entries; 0 where the server does it itself. */
  deleteExpired(): Answer<number>;
}

/** A namespace with every capability. */
export interface FullDriverNamespace
  extends BatchDriverNamespace,
    AtomicDriverNamespace,
    ListableDriverNamespace,
    ExpirableDriverNamespace {}
