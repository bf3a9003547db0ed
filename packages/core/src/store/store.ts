// For compilers whose lib setting does not bring AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />

import type { Duration } from "../time/duration.ts";
import type { Bytes, Value } from "../values/bytes.ts";

export interface GetOptions {
  /**
   * Moves the expiry of an entry that has one to that far from now, shorter or longer, in the same atomic step.
   * An entry without expiry stays so.
   */
  readonly renewFor?: Duration | undefined;
}

export interface CreateOptions {
  /** The time from now until the entry expires. Default: it never does. */
  readonly expiresIn?: Duration | undefined;
}

/** Without options an older expiry is removed. */
export type SetOptions =
  | (CreateOptions & { readonly keepExpiry?: false | undefined })
  | {
      readonly expiresIn?: undefined;
      /** Keeps the expiry of the entry that is replaced. */
      readonly keepExpiry: true;
    };

/**
 * A key-value store. Every method rejects with a `TypeError` or `RangeError` for a mistake in the call, and with
 * a `StoreError` for all else; what could not be done is never passed off as done, nor as a miss.
 *
 * Calls made on one store and its namespaces take effect on a key in the order in which they were made, awaited
 * or not.
 */
export interface Store extends AsyncDisposable {
  /** Gets the value, in an array that is the caller's own, or `undefined` where there is none. */
  get(key: string, options?: GetOptions): Promise<Bytes | undefined>;

  /** Stores a value. The store keeps a copy: changing the array later changes nothing. */
  set(key: string, value: Value, options?: SetOptions): Promise<void>;

  /** Renews like `get` with `renewFor`, without fetching the value. Tells whether there was an entry. */
  touch(key: string, renewFor: Duration): Promise<boolean>;

  /** Removes an entry. Tells whether there was one. */
  delete(key: string): Promise<boolean>;

  /** Removes every entry of this namespace and of all below it, and nothing else. */
  deleteAll(): Promise<void>;

  /** Tells whether there is an entry. */
  exists(key: string): Promise<boolean>;

  /** Tells the seconds left, with fractions; `Infinity` for an entry without expiry; `undefined` where there is none. */
  expiresIn(key: string): Promise<number | undefined>;

  /**
   * Waits for the calls in flight, at most the store's `timeout`, and closes what this store opened. Safe to call
   * again. Every later call rejects with `KV_CLOSED`. Closing a namespace leaves its parent open.
   */
  close(): Promise<void>;
}

/** A store with namespaces: children that share nothing with it but its `deleteAll`. */
export interface NamespacedStore extends Store {
  /** The path of this store, `[]` at a root without one, `null` where namespacing is turned off. */
  readonly namespace: readonly string[] | null;

  /**
   * Makes the child store of that name, any well-formed string of 1 to 255 bytes in UTF-8. Two stores of one path are
   * one namespace.
   */
  withNamespace(name: string): this;
}

/** A store that takes many keys in one call. All arguments are checked first; a batch as a whole is not atomic. */
export interface BatchStore extends Store {
  /** Gets the values in the order of the keys, `undefined` for each that is not there. */
  getMany(keys: Iterable<string>): Promise<(Bytes | undefined)[]>;

  /** Stores all entries; of a key given twice the last value counts. */
  setMany(entries: Iterable<readonly [key: string, value: Value]>, options?: SetOptions): Promise<void>;

  /** Removes the entries of these keys. How many were there? */
  deleteMany(keys: Iterable<string>): Promise<number>;
}

export interface IncrementOptions extends CreateOptions {
  /** The number to add, a safe integer. Default: 1. */
  readonly by?: number | undefined;
}

export interface Incremented {
  /** The number after the step. */
  readonly value: number;
  /** The seconds left, with fractions; `Infinity` for an entry without expiry. */
  readonly expiresIn: number;
}

/** A store with atomic steps, each exact across all processes that share its data. */
export interface AtomicStore extends Store {
  /**
   * Adds to an integer that is kept as decimal text, from 0 where there is none. `expiresIn` counts only when this
   * call creates the entry: the end of a window does not move. Rejects with `KV_NOT_AN_INTEGER`, and changes
   * nothing, where the entry is no integer or the result would leave the safe integers.
   */
  increment(key: string, options?: IncrementOptions): Promise<Incremented>;

  /** Writes only where nothing is; of many callers exactly one gets `true`. */
  setIfAbsent(key: string, value: Value, options?: CreateOptions): Promise<boolean>;

  /** Writes only where the entry holds exactly `expected`, byte for byte. Tells whether it did. */
  compareAndSet(key: string, expected: Value, value: Value, options?: SetOptions): Promise<boolean>;

  /** Removes the entry only where it holds exactly `expected`, byte for byte. Tells whether it did. */
  compareAndDelete(key: string, expected: Value): Promise<boolean>;

  /**
   * Gets and removes an entry in one atomic step: of many callers exactly one gets the value, the others `undefined`.
   * Sent once: where it rejects with `KV_OUTCOME_UNKNOWN` the value may be gone. A damaged entry stays (`KV_CORRUPT`).
   *
   * @example
   * ```ts
   * import { memoryStore } from "@kv/memory";
   *
   * const tokens = memoryStore();
   * await tokens.set("one-time-token", "ada", { expiresIn: "15m" });
   * const user = await tokens.take("one-time-token");
   * console.log(user, await tokens.take("one-time-token")); // whoever comes next gets undefined
   * ```
   */
  take(key: string): Promise<Bytes | undefined>;
}

export interface ListOptions {
  /** Lists only the keys that begin with this text. Default: all. */
  readonly prefix?: string | undefined;
}

/** A store whose contents can be listed, as a stream that may be left early. */
export interface ListableStore extends Store {
  /** Lists the live keys of this namespace, not those of its children. A key may come twice while others write. */
  keys(options?: ListOptions): AsyncIterable<string>;

  /**
   * Lists the live entries as `keys` does, each with the value that it had when it was read. Some megabytes are held at
   * a time. Entries that go meanwhile are left out; a damaged one is told of (`KV_CORRUPT`) after all others.
   *
   * @example
   * ```ts
   * import { memoryStore } from "@kv/memory";
   *
   * const carts = memoryStore();
   * await carts.set("user:ada", "3 books");
   * for await (const [key, value] of carts.entries({ prefix: "user:" })) {
   *   console.log(key, new TextDecoder().decode(value));
   * }
   * ```
   */
  entries(options?: ListOptions): AsyncIterable<[key: string, value: Bytes]>;

  /** Lists the names of the direct children that hold something, themselves or further below. */
  namespaces(): AsyncIterable<string>;
}

/** A store that can be asked to remove what has expired. */
export interface ExpirableStore extends Store {
  /** Removes the expired entries of this namespace and all below it. Tells how many; 0 where the server does it itself. */
  deleteExpired(): Promise<number>;
}

/** A store with every capability, as all backends of this project have them. */
export interface FullStore extends NamespacedStore, BatchStore, AtomicStore, ListableStore, ExpirableStore {}
