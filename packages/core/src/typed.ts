import type { Bytes } from "./bytes.ts";
import { hasCapability } from "./capability.ts";
import { after, type Codec } from "./codec.ts";
import type { Answer } from "./driver.ts";
import type {
  AtomicStore,
  BatchStore,
  CreateOptions,
  GetOptions,
  NamespacedStore,
  SetOptions,
  Store,
  Value,
} from "./store.ts";

/** What a typed view has in place of the store's methods that take or give values. */
export interface TypedMethods<T> {
  get(key: string, options?: GetOptions): Promise<T | undefined>;
  set(key: string, value: T, options?: SetOptions): Promise<void>;
}

export interface TypedBatchMethods<T> {
  getMany(keys: Iterable<string>): Promise<(T | undefined)[]>;
  setMany(entries: Iterable<readonly [key: string, value: T]>, options?: SetOptions): Promise<void>;
}

/** `expected` is compared as the codec encodes it, byte for byte: for JSON, the order of properties counts. */
export interface TypedAtomicMethods<T> {
  setIfAbsent(key: string, value: T, options?: CreateOptions): Promise<boolean>;
  compareAndSet(key: string, expected: T, value: T, options?: SetOptions): Promise<boolean>;
  compareAndDelete(key: string, expected: T): Promise<boolean>;
}

/** What a typed view is made of. */
export interface TypedView<T, S extends Store = Store> {
  /** The store beneath. */
  readonly store: S;
  readonly codec: Codec<T>;
}

/** A store seen as values of `T`. It has the capabilities of the store beneath, which stays the owner of the data. */
export type TypedStore<T, S extends Store = Store> = Omit<
  S,
  keyof TypedMethods<T> | keyof TypedBatchMethods<T> | keyof TypedAtomicMethods<T> | "withNamespace"
> &
  TypedMethods<T> &
  (S extends BatchStore ? TypedBatchMethods<T> : unknown) &
  (S extends AtomicStore ? TypedAtomicMethods<T> : unknown) &
  (S extends NamespacedStore ? { withNamespace(name: string): TypedStore<T, S> } : unknown) &
  TypedView<T, S>;

/**
 * The same store, seen as values of `T`: a view, with nothing of its own. Closing it closes the store.
 *
 * What the codec refuses rejects with `KV_INVALID_VALUE`, and nothing is written.
 */
export function typed<T, S extends Store>(store: S, codec: Codec<T>): TypedStore<T, S> {
  const view = {
    store,
    codec,
    ...sameMethods(store),
    ...valueMethods(store, codec),
    ...(hasCapability(store, "batch") && batchMethods(store, codec)),
    ...(hasCapability(store, "atomic") && atomicMethods(store, codec)),
    ...(hasCapability(store, "namespaces") && {
      namespace: store.namespace,
      withNamespace: (name: string) => typed(store.withNamespace(name), codec),
    }),
  };
  return view as unknown as TypedStore<T, S>;
}

/** The methods that neither take nor give values, as far as the store has them. */
const untyped = [
  "touch",
  "delete",
  "deleteAll",
  "exists",
  "expiresIn",
  "close",
  Symbol.asyncDispose,
  "deleteMany",
  "increment",
  "keys",
  "namespaces",
  "deleteExpired",
] as const;

function sameMethods(store: Store): object {
  const methods = store as unknown as Record<PropertyKey, unknown>;
  return Object.fromEntries(
    untyped.flatMap((name) => {
      const method = methods[name];
      return typeof method === "function" ? [[name, method.bind(store)]] : [];
    }),
  );
}

function valueMethods<T>(store: Store, codec: Codec<T>): TypedMethods<T> {
  return {
    get: async (key, options) => decodeIfFound(codec, await store.get(key, options)),
    set: async (key, value, options) =>
      after(codec.encode(value), (encoded) => store.set(key, encoded, options)),
  };
}

function batchMethods<T>(store: BatchStore, codec: Codec<T>): TypedBatchMethods<T> {
  return {
    getMany: async (keys) =>
      Promise.all((await store.getMany(keys)).map(async (stored) => decodeIfFound(codec, stored))),

    setMany: async (entries, options) => {
      const encoded = Array.from(entries, ([key, value]) =>
        after(codec.encode(value), (encodedValue) => [key, encodedValue] as const),
      );
      return after(allOf(encoded), (all) => store.setMany(all, options));
    },
  };
}

function atomicMethods<T>(store: AtomicStore, codec: Codec<T>): TypedAtomicMethods<T> {
  return {
    setIfAbsent: async (key, value, options) =>
      after(codec.encode(value), (encoded) => store.setIfAbsent(key, encoded, options)),

    compareAndSet: async (key, expected, value, options) =>
      after(allOf([codec.encode(expected), codec.encode(value)]), ([encodedExpected, encoded]) =>
        store.compareAndSet(key, encodedExpected as Value, encoded as Value, options),
      ),

    compareAndDelete: async (key, expected) =>
      after(codec.encode(expected), (encoded) => store.compareAndDelete(key, encoded)),
  };
}

function decodeIfFound<T>(codec: Codec<T>, stored: Bytes | undefined): Answer<T | undefined> {
  return stored === undefined ? undefined : codec.decode(stored);
}

/** All of the answers, at once where all were given at once. */
function allOf<T>(answers: readonly Answer<T>[]): Answer<T[]> {
  return answers.some((answer) => answer instanceof Promise) ? Promise.all(answers) : (answers as T[]);
}
