import { type Answer, after } from "../concurrency/answer.ts";
import type {
  AtomicDriverNamespace,
  BatchDriverNamespace,
  Driver,
  DriverNamespace,
  DriverValue,
  ExpirableDriverNamespace,
  ListableDriverNamespace,
} from "../driver/driver.ts";
import {
  checkBorrowedValue,
  checkEntries,
  checkExpiresIn,
  checkExpiry,
  checkIncrement,
  checkKey,
  checkKeys,
  checkName,
  checkPrefix,
  checkRenewFor,
  checkValue,
} from "../driver/validation.ts";
import type {
  AtomicStore,
  BatchStore,
  CreateOptions,
  ExpirableStore,
  GetOptions,
  IncrementOptions,
  ListableStore,
  ListOptions,
  NamespacedStore,
  SetOptions,
  Store,
} from "../store/store.ts";
import { type Duration, durationMs } from "../time/duration.ts";
import { type Bytes, copyOf, type Value } from "../values/bytes.ts";
import { CallTracker } from "./call-tracker.ts";
import { entryListing, flattenPages, type Listing } from "./listing.ts";
import { rememberNamespaceId } from "./namespace-id.ts";

/** The store over a driver: it has the capabilities whose methods the driver has. */
export type StoreOver<D extends Driver> = Store &
  (D extends { namespace(path: readonly string[]): DriverNamespace } ? NamespacedStore : unknown) &
  (D["root"] extends BatchDriverNamespace ? BatchStore : unknown) &
  (D["root"] extends AtomicDriverNamespace ? AtomicStore : unknown) &
  (D["root"] extends ListableDriverNamespace ? ListableStore : unknown) &
  (D["root"] extends ExpirableDriverNamespace ? ExpirableStore : unknown);

export interface StoreOptions {
  /** The longest that `close` waits for calls in flight, in all. Default: 5 s. */
  readonly timeout?: Duration | undefined;
}

/**
 * Makes the store that people hold over a driver. Does nothing yet: the driver is first asked by the first call.
 *
 * @example
 * ```ts
 * import { createStore, type Driver } from "@kv/core/driver";
 *
 * export function myStore(driver: Driver) {
 *   return createStore(driver, { timeout: "2s" });
 * }
 * ```
 */
export function createStore<D extends Driver>(driver: D, options: StoreOptions = {}): StoreOver<D> {
  const timeoutMs = durationMs(options.timeout ?? "5s", "timeout");
  const path = driver.rootPath === undefined ? [] : driver.rootPath;
  return storeAt(driver, path, driver.root, new CallTracker(driver, path, timeoutMs)) as StoreOver<D>;
}

function storeAt(
  driver: Driver,
  path: readonly string[] | null,
  at: DriverNamespace,
  calls: CallTracker,
): Store {
  const values = driver.copiesValues === true ? passThrough : copying;
  const store: Store = {
    ...storeMethods(calls, at, values),
    ...(driver.namespace !== undefined && namespaceMethods(driver as NamespacingDriver, path, calls)),
    ...(has<BatchDriverNamespace>(at, "getMany") && batchMethods(calls, at, values)),
    ...(has<AtomicDriverNamespace>(at, "increment") && atomicMethods(calls, at, values)),
    ...(has<ListableDriverNamespace>(at, "keys") && listingMethods(calls, at, values)),
    ...(has<ExpirableDriverNamespace>(at, "deleteExpired") && expiryMethods(calls, at)),
    ...(path === null && withoutNamespace(calls, at)),
  };
  rememberNamespaceId(store, driver, path);
  return store;
}

function has<N extends DriverNamespace>(at: DriverNamespace, method: keyof N): at is N {
  return method in at;
}

function storeMethods(calls: CallTracker, at: DriverNamespace, values: ValueHandover): Store {
  return {
    get: calls.method(
      "get",
      (key: string, options?: GetOptions) => {
        checkKey(key);
        const renewForMs = checkRenewFor(options);
        return renewForMs === undefined ? at.get(key) : at.getAndRenew(key, renewForMs);
      },
      values.fromDriver,
    ),

    set: calls.method(
      "set",
      (key: string, value: Value, options?: SetOptions) =>
        at.set(checkKey(key), values.toDriver(value), checkExpiry(options)),
      noop,
    ),

    touch: calls.method("touch", (key: string, renewFor: Duration) =>
      at.touch(checkKey(key), durationMs(renewFor, "renewFor")),
    ),

    delete: calls.method("delete", (key: string) => at.delete(checkKey(key))),

    deleteAll: calls.method("deleteAll", () => at.deleteAll(), noop),

    exists: calls.method("exists", (key: string) => at.exists(checkKey(key))),

    expiresIn: calls.method("expiresIn", (key: string) => at.expiresInMs(checkKey(key)), secondsIfFound),

    close: () => calls.close(),

    [Symbol.asyncDispose]: () => calls.close(),
  };
}

/** `withNamespace` gives a store of the same capabilities, since all namespaces of a driver have the same. */
type Namespaces = Pick<NamespacedStore, "namespace"> & { withNamespace(name: string): Store };

type NamespacingDriver = Driver & Required<Pick<Driver, "namespace">>;

function namespaceMethods(
  driver: NamespacingDriver,
  path: readonly string[] | null,
  calls: CallTracker,
): Namespaces {
  return {
    namespace: path === null ? null : Object.freeze([...path]),

    withNamespace(name) {
      calls.assertOpen("withNamespace");
      const childPath = [...(path ?? []), checkName(name)];
      return storeAt(driver, childPath, driver.namespace(childPath), calls.child(childPath));
    },
  };
}

function batchMethods(
  calls: CallTracker,
  at: BatchDriverNamespace,
  { toDriver, fromDriver }: ValueHandover,
): MethodsOf<BatchStore> {
  return {
    getMany: calls.method(
      "getMany",
      (keys: Iterable<string>) => at.getMany(checkKeys(keys)),
      fromDriver && ((found) => found.map(fromDriver)),
    ),

    setMany: calls.method(
      "setMany",
      (entries: Iterable<readonly [key: string, value: Value]>, options?: SetOptions) =>
        at.setMany(checkEntries(entries, toDriver), checkExpiry(options)),
      noop,
    ),

    deleteMany: calls.method("deleteMany", (keys: Iterable<string>) =>
      at.deleteMany(new Set(checkKeys(keys))),
    ),
  };
}

function atomicMethods(
  calls: CallTracker,
  at: AtomicDriverNamespace,
  { toDriver, fromDriver }: ValueHandover,
): MethodsOf<AtomicStore> {
  return {
    increment: calls.method(
      "increment",
      (key: string, options?: IncrementOptions) => {
        checkKey(key);
        const { by, expiresInMs } = checkIncrement(options);
        return at.increment(key, by, expiresInMs);
      },
      ({ value, expiresInMs }) => ({ value, expiresIn: expiresInMs / 1_000 }),
    ),

    setIfAbsent: calls.method("setIfAbsent", (key: string, value: Value, options?: CreateOptions) =>
      at.setIfAbsent(checkKey(key), toDriver(value), checkExpiresIn(options)),
    ),

    compareAndSet: calls.method(
      "compareAndSet",
      (key: string, expected: Value, value: Value, options?: SetOptions) =>
        at.compareAndSet(
          checkKey(key),
          toDriver(expected, "The expected value"),
          toDriver(value),
          checkExpiry(options),
        ),
    ),

    compareAndDelete: calls.method("compareAndDelete", (key: string, expected: Value) =>
      at.compareAndDelete(checkKey(key), toDriver(expected, "The expected value")),
    ),

    take: calls.method(
      "take",
      (key: string) => {
        checkKey(key);
        return at.take === undefined ? takeByComparing(at, key) : at.take(key);
      },
      fromDriver,
    ),
  };
}

/** `take` of a driver that cannot do it in one step: what was read is removed only while it still stands there. */
function takeByComparing(at: AtomicDriverNamespace, key: string): Answer<Bytes | undefined> {
  return after(at.get(key), (found) => {
    if (found === undefined) return undefined;
    const value = copyOf(found);
    return after(at.compareAndDelete(key, value), (removed) => (removed ? value : takeByComparing(at, key)));
  });
}

function listingMethods(
  calls: CallTracker,
  at: ListableDriverNamespace,
  { fromDriver }: ValueHandover,
): MethodsOf<ListableStore> {
  const pagesOf = (options: ListOptions | undefined): Listing => {
    const prefix = checkPrefix(options);
    return { pages: at.keys(prefix), prefix };
  };
  return {
    keys: (options) => flattenPages(calls, "keys", () => pagesOf(options)),

    entries: (options) =>
      entryListing(
        calls,
        () => pagesOf(options),
        calls.method("entries", (key: string) => at.get(key), fromDriver),
      ),

    namespaces: () => flattenPages(calls, "namespaces", () => ({ pages: at.namespaces(), prefix: "" })),
  };
}

function expiryMethods(calls: CallTracker, at: ExpirableDriverNamespace): MethodsOf<ExpirableStore> {
  return { deleteExpired: calls.method("deleteExpired", () => at.deleteExpired()) };
}

/** Refuses what would touch keys that are not the store's own, where namespacing is turned off (N4). */
function withoutNamespace(calls: CallTracker, at: DriverNamespace): Partial<ListableStore> {
  const refuse = (operation: string) => (): never => {
    throw calls.error(
      "KV_NO_NAMESPACE",
      operation,
      "the store was opened with namespace: null, and this would touch keys that are not its own. Use withNamespace, or open the store with a namespace.",
    );
  };
  return {
    deleteAll: calls.method("deleteAll", refuse("deleteAll")),
    ...(has<ListableDriverNamespace>(at, "keys") && {
      keys: () => flattenPages(calls, "keys", refuse("keys")),
      entries: () => entryListing(calls, refuse("entries"), refuse("entries")),
      namespaces: () => flattenPages(calls, "namespaces", refuse("namespaces")),
    }),
  };
}

type MethodsOf<S extends Store> = Omit<S, keyof Store>;

/** The way of values to a driver and back. */
interface ValueHandover {
  readonly toDriver: (value: Value, what?: string) => DriverValue;
  /** Makes the caller's own bytes of a driver's, where that is to be done. */
  readonly fromDriver: ((found: Uint8Array | undefined) => Bytes | undefined) | undefined;
}

const copying: ValueHandover = {
  toDriver: checkValue,
  fromDriver: (found) => (found === undefined ? undefined : copyOf(found)),
};

/** For a driver that copies by itself. */
const passThrough: ValueHandover = {
  toDriver: checkBorrowedValue,
  fromDriver: undefined,
};

/** Answers with nothing, whatever a driver answers. */
function noop(): void {}

function secondsIfFound(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
