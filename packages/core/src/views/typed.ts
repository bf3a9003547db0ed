import { type Answer, after, allOf } from "../concurrency/answer.ts";
import { isStoreError, StoreError } from "../errors/store-error.ts";
import { describeCallOn } from "../portable-store/namespace-id.ts";
import type {
  AtomicStore,
  BatchStore,
  CreateOptions,
  FullStore,
  GetOptions,
  ListableStore,
  ListOptions,
  NamespacedStore,
  SetOptions,
  Store,
} from "../store/store.ts";
import { time } from "../time/time.ts";
import type { Bytes, Value } from "../values/bytes.ts";
import { type Codec, isBytesCodec } from "../values/codec.ts";
import { type BoundCodec, boundCodec } from "./bound-codec.ts";
import { viewOf } from "./view.ts";

/** The methods of a typed view in place of the store's that take or give values. */
export interface TypedMethods<T> {
  /**
   * Gets the value, or `undefined` where there is none; `renewFor` moves the expiry of an entry that has one in the same
   * atomic step. `KV_INVALID_VALUE` where the codec refuses what is stored, which then stays as it is.
   */
  get(key: string, options?: GetOptions): Promise<T | undefined>;

  /**
   * Stores a value; without options an older expiry is removed. `KV_INVALID_VALUE` where the codec refuses it: nothing is
   * written.
   */
  set(key: string, value: T, options?: SetOptions): Promise<void>;
}

export interface TypedBatchMethods<T> {
  /**
   * Gets the values in the order of the keys, `undefined` for each that is not there. Not atomic as a whole; rejects with
   * `KV_INVALID_VALUE` where the codec refuses one of them.
   */
  getMany(keys: Iterable<string>): Promise<(T | undefined)[]>;

  /**
   * Stores all entries; of a key given twice the last value counts. Atomic entry by entry. `KV_INVALID_VALUE` where the
   * codec refuses one of them: nothing is written.
   */
  setMany(entries: Iterable<readonly [key: string, value: T]>, options?: SetOptions): Promise<void>;
}

/** `expected` is compared as the codec encodes it, byte for byte: for JSON, the order of properties counts. */
export interface TypedAtomicMethods<T> {
  /** Writes only where nothing is; of many callers exactly one gets `true`. `KV_INVALID_VALUE` as `set`. */
  setIfAbsent(key: string, value: T, options?: CreateOptions): Promise<boolean>;

  /**
   * Writes, in one atomic step, only where the entry holds what the codec makes of `expected`, byte for byte. Tells whether it did.
   * `KV_INVALID_VALUE` as `set`.
   */
  compareAndSet(key: string, expected: T, value: T, options?: SetOptions): Promise<boolean>;

  /**
   * Removes the entry, in one atomic step, only where it holds what the codec makes of `expected`, byte for byte. Tells whether it did.
   * `KV_INVALID_VALUE` where the codec refuses `expected`.
   */
  compareAndDelete(key: string, expected: T): Promise<boolean>;

  /**
   * Gets and removes an entry: of many callers exactly one gets the value, the others `undefined`. Where it rejects with
   * `KV_OUTCOME_UNKNOWN` the value may be gone. `KV_INVALID_VALUE` where the codec refuses what is stored, which then
   * stays as it is. `KV_TIMEOUT` where others change the entry all the time, for 5 seconds: nothing was taken.
   */
  take(key: string): Promise<T | undefined>;
}

export interface TypedListMethods<T> {
  /**
   * Lists the live entries, each with the value that it had when it was read; `prefix` narrows it to the keys that begin
   * with it. What is damaged (`KV_CORRUPT`), or refused by the codec (`KV_INVALID_VALUE`), is told of after all others.
   */
  entries(options?: ListOptions): AsyncIterable<[key: string, value: T]>;
}

/** The parts of a typed view. */
export interface TypedView<T, S extends Store = Store> {
  /** The store beneath. */
  readonly store: S;
  /** Writes and reads its values. */
  readonly codec: Codec<T>;
}

/** A store seen as values of `T`. It has the capabilities of the store beneath, which stays the owner of the data. */
export type TypedStore<T, S extends Store = Store> = Omit<
  S,
  | keyof TypedMethods<T>
  | keyof TypedBatchMethods<T>
  | keyof TypedAtomicMethods<T>
  | keyof TypedListMethods<T>
  | "withNamespace"
> &
  TypedMethods<T> &
  (S extends BatchStore ? TypedBatchMethods<T> : unknown) &
  (S extends AtomicStore ? TypedAtomicMethods<T> : unknown) &
  (S extends ListableStore ? TypedListMethods<T> : unknown) &
  (S extends NamespacedStore ? TypedNamespaces<T, S> : unknown) &
  TypedView<T, S>;

interface TypedNamespaces<T, S extends Store> {
  /** Makes the child store of that name, any well-formed string of 1 to 255 bytes in UTF-8, seen as values of `T`. */
  withNamespace(name: string): TypedStore<T, S>;
}

/**
 * Makes a view of a store in which its values are of type `T`, written and read by a codec. It has nothing of its own:
 * closing it closes the store.
 *
 * A value that the codec refuses rejects with `KV_INVALID_VALUE`, and nothing is written.
 *
 * @example
 * ```ts
 * import { json, typed } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const carts = typed(memoryStore().withNamespace("carts"), json<{ items: string[] }>());
 * await carts.set("ada", { items: ["a book"] }, { expiresIn: "7d" });
 * console.log((await carts.get("ada"))?.items);
 * ```
 */
export function typed<T, S extends Store>(store: S, codec: Codec<T>): TypedStore<T, S> {
  const bound = boundCodec(codec, store);
  // Method by method, for a store need not have all of a capability, and none of them may pass the codec by.
  const full = store as unknown as FullStore;
  const view = viewOf(store, {
    store,
    codec,
    ...valueMethods(store, bound),
    ...batchMethods(full, bound),
    ...atomicMethods(full, bound),
    ...(isBytesCodec(codec) && { take: (key: string) => full.take(key) }),
    ...listMethods(full, bound),
    withNamespace: (name: string) => typed(full.withNamespace(name), codec),
  });
  return view as TypedStore<T, S>;
}

function valueMethods<T>(store: Store, codec: BoundCodec<T>): TypedMethods<T> {
  return {
    get: async (key, options) => decodeIfFound(codec, "get", await store.get(key, options)),
    set: async (key, value, options) =>
      after(codec.encode("set", value), (encoded) => store.set(key, encoded, options)),
  };
}

function batchMethods<T>(store: BatchStore, codec: BoundCodec<T>): TypedBatchMethods<T> {
  return {
    getMany: async (keys) =>
      Promise.all((await store.getMany(keys)).map(async (stored) => decodeIfFound(codec, "getMany", stored))),

    setMany: async (entries, options) => {
      const encoded = Array.from(entries, ([key, value]) =>
        after(codec.encode("setMany", value), (encodedValue) => [key, encodedValue] as const),
      );
      return after(allOf(encoded), (all) => store.setMany(all, options));
    },
  };
}

function atomicMethods<T>(store: AtomicStore, codec: BoundCodec<T>): TypedAtomicMethods<T> {
  return {
    setIfAbsent: async (key, value, options) =>
      after(codec.encode("setIfAbsent", value), (encoded) => store.setIfAbsent(key, encoded, options)),

    compareAndSet: async (key, expected, value, options) =>
      after(
        allOf([codec.encode("compareAndSet", expected), codec.encode("compareAndSet", value)]),
        ([encodedExpected, encoded]) =>
          store.compareAndSet(key, encodedExpected as Value, encoded as Value, options),
      ),

    compareAndDelete: async (key, expected) =>
      after(codec.encode("compareAndDelete", expected), (encoded) => store.compareAndDelete(key, encoded)),

    // Read first, for what the codec refuses has to stay.
    take: async (key) => {
      const untilMs = time.monotonicMs() + patienceMs;
      do {
        const stored = await store.get(key);
        if (stored === undefined) return undefined;
        const value = await codec.decode("take", stored);
        if (await store.compareAndDelete(key, stored)) return value;
      } while (time.monotonicMs() < untilMs);
      throw new StoreError(
        "KV_TIMEOUT",
        `${describeCallOn("take", store)}: others kept changing the entry for ${patienceMs / 1_000} seconds. Nothing was taken: try again.`,
      );
    },
  };
}

function listMethods<T>(store: ListableStore, codec: BoundCodec<T>): TypedListMethods<T> {
  return {
    async *entries(options) {
      const refused: unknown[] = [];
      for await (const [key, stored] of store.entries(options)) {
        let value: T;
        try {
          value = await codec.decode("entries", stored);
        } catch (error) {
          if (!isStoreError(error, "KV_INVALID_VALUE")) throw error;
          refused.push(error);
          continue;
        }
        yield [key, value];
      }
      if (refused.length > 0) throw refused[0];
    },
  };
}

/** The longest that `take` tries while others change the entry each time (S7). */
const patienceMs = 5_000;

function decodeIfFound<T>(
  codec: BoundCodec<T>,
  operation: string,
  stored: Bytes | undefined,
): Answer<T | undefined> {
  return stored === undefined ? undefined : codec.decode(operation, stored);
}
