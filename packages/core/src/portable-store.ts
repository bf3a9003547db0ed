import {
  checkEntries,
  checkExpiresIn,
  checkExpiry,
  checkIncrement,
  checkKey,
  checkKeys,
  checkLentValue,
  checkName,
  checkPrefix,
  checkRenewFor,
  checkValue,
} from "./arguments.ts";
import { type Bytes, copyOf } from "./bytes.ts";
import { Calls } from "./calls.ts";
import { after } from "./codec.ts";
import type {
  Answer,
  AtomicDriverNamespace,
  BatchDriverNamespace,
  Driver,
  DriverNamespace,
  DriverValue,
  ExpirableDriverNamespace,
  ListableDriverNamespace,
} from "./driver.ts";
import { type Duration, durationMs } from "./duration.ts";
import { entryListing, type Listing, listing } from "./listing.ts";
import { rememberPlace } from "./place.ts";
import type {
  AtomicStore,
  BatchStore,
  ExpirableStore,
  ListableStore,
  ListOptions,
  NamespacedStore,
  Store,
  Value,
} from "./store.ts";

/** The store over a driver: it has the capabilities whose methods the driver has. */
export type StoreOver<D extends Driver> = Store &
  (D extends { namespace(path: readonly string[]): DriverNamespace } ? NamespacedStore : unknown) &
  (D["root"] extends BatchDriverNamespace ? BatchStore : unknown) &
  (D["root"] extends AtomicDriverNamespace ? AtomicStore : unknown) &
  (D["root"] extends ListableDriverNamespace ? ListableStore : unknown) &
  (D["root"] extends ExpirableDriverNamespace ? ExpirableStore : unknown);

export interface StoreOptions {
  /** The longest that `close` waits for what is under way, in all: `"5s"` unless told. */
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
  return storeAt(driver, path, driver.root, new Calls(driver, path, timeoutMs)) as StoreOver<D>;
}

function storeAt(driver: Driver, path: readonly string[] | null, at: DriverNamespace, calls: Calls): Store {
  const values = driver.copiesValues === true ? lent : copied;
  const store: Store = {
    ...storeMethods(calls, at, values),
    ...(driver.namespace !== undefined && namespaceMethods(driver as NamespacingDriver, path, calls)),
    ...(has<BatchDriverNamespace>(at, "getMany") && batchMethods(calls, at, values)),
    ...(has<AtomicDriverNamespace>(at, "increment") && atomicMethods(calls, at, values)),
    ...(has<ListableDriverNamespace>(at, "keys") && listingMethods(calls, at, values)),
    ...(has<ExpirableDriverNamespace>(at, "deleteExpired") && expiryMethods(calls, at)),
    ...(path === null && withoutNamespace(calls, at)),
  };
  rememberPlace(store, driver, path);
  return store;
}

function has<N extends DriverNamespace>(at: DriverNamespace, method: keyof N): at is N {
  return method in at;
}

function storeMethods(calls: Calls, at: DriverNamespace, values: Values): Store {
  return {
    get: (...args) =>
      calls.run(
        "get",
        (key, options) => {
          checkKey(key);
          const renewForMs = checkRenewFor(options);
          return renewForMs === undefined ? at.get(key) : at.getAndRenew(key, renewForMs);
        },
        values.give,
        ...args,
      ),

    set: (...args) =>
      calls.run(
        "set",
        (key, value, options) => at.set(checkKey(key), values.take(value), checkExpiry(options)),
        nothing,
        ...args,
      ),

    touch: (...args) =>
      calls.run(
        "touch",
        (key, renewFor) => at.touch(checkKey(key), durationMs(renewFor, "renewFor")),
        same,
        ...args,
      ),

    delete: (...args) => calls.run("delete", (key) => at.delete(checkKey(key)), same, ...args),

    deleteAll: () => calls.run("deleteAll", () => at.deleteAll(), nothing),

    exists: (...args) => calls.run("exists", (key) => at.exists(checkKey(key)), same, ...args),

    expiresIn: (...args) =>
      calls.run("expiresIn", (key) => at.expiresInMs(checkKey(key)), secondsIfFound, ...args),

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
  calls: Calls,
): Namespaces {
  return {
    namespace: path === null ? null : Object.freeze([...path]),

    withNamespace(name) {
      calls.refuseAfterClose("withNamespace");
      const childPath = [...(path ?? []), checkName(name)];
      return storeAt(driver, childPath, driver.namespace(childPath), calls.child(childPath));
    },
  };
}

function batchMethods(calls: Calls, at: BatchDriverNamespace, values: Values): MethodsOf<BatchStore> {
  return {
    getMany: (keys) =>
      calls.run(
        "getMany",
        () => at.getMany(checkKeys(keys)),
        (found) => found.map(values.give),
      ),

    setMany: (entries, options) =>
      calls.run(
        "setMany",
        () => at.setMany(checkEntries(entries, values.take), checkExpiry(options)),
        nothing,
      ),

    deleteMany: (keys) => calls.run("deleteMany", () => at.deleteMany(new Set(checkKeys(keys))), same),
  };
}

function atomicMethods(calls: Calls, at: AtomicDriverNamespace, values: Values): MethodsOf<AtomicStore> {
  return {
    increment: (key, options) =>
      calls.run(
        "increment",
        () => {
          checkKey(key);
          const { by, expiresInMs } = checkIncrement(options);
          return at.increment(key, by, expiresInMs);
        },
        ({ value, expiresInMs }) => ({ value, expiresIn: expiresInMs / 1_000 }),
      ),

    setIfAbsent: (key, value, options) =>
      calls.run(
        "setIfAbsent",
        () => at.setIfAbsent(checkKey(key), values.take(value), checkExpiresIn(options)),
        same,
      ),

    compareAndSet: (key, expected, value, options) =>
      calls.run(
        "compareAndSet",
        () =>
          at.compareAndSet(
            checkKey(key),
            values.take(expected, "The expected value"),
            values.take(value),
            checkExpiry(options),
          ),
        same,
      ),

    compareAndDelete: (key, expected) =>
      calls.run(
        "compareAndDelete",
        () => at.compareAndDelete(checkKey(key), values.take(expected, "The expected value")),
        same,
      ),

    take: (...args) =>
      calls.run(
        "take",
        (key) => {
          checkKey(key);
          return at.take === undefined ? takeByComparing(at, key) : at.take(key);
        },
        values.give,
        ...args,
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
  calls: Calls,
  at: ListableDriverNamespace,
  { give }: Values,
): MethodsOf<ListableStore> {
  const keys = (options: ListOptions | undefined): Listing => {
    const prefix = checkPrefix(options);
    return { pages: at.keys(prefix), prefix };
  };
  return {
    keys: (options) => listing(calls, "keys", () => keys(options)),

    entries: (options) =>
      entryListing(
        calls,
        "entries",
        () => keys(options),
        (key) => after(at.get(key), give),
      ),

    namespaces: () => listing(calls, "namespaces", () => ({ pages: at.namespaces(), prefix: "" })),
  };
}

function expiryMethods(calls: Calls, at: ExpirableDriverNamespace): MethodsOf<ExpirableStore> {
  return {
    deleteExpired: () => calls.run("deleteExpired", () => at.deleteExpired(), same),
  };
}

/** Where namespacing is turned off, what would touch keys that are not the store's own is refused (N4). */
function withoutNamespace(calls: Calls, at: DriverNamespace): Partial<ListableStore> {
  const refuse = (operation: string): never => {
    throw calls.error(
      "KV_NO_NAMESPACE",
      operation,
      "the store was opened with namespace: null, and this would touch keys that are not its own. Use withNamespace, or open the store with a namespace.",
    );
  };
  return {
    deleteAll: () => calls.run("deleteAll", () => refuse("deleteAll"), nothing),
    ...(has<ListableDriverNamespace>(at, "keys") && {
      keys: () => listing(calls, "keys", () => refuse("keys")),
      entries: () =>
        entryListing(
          calls,
          "entries",
          () => refuse("entries"),
          () => refuse("entries"),
        ),
      namespaces: () => listing(calls, "namespaces", () => refuse("namespaces")),
    }),
  };
}

type MethodsOf<S extends Store> = Omit<S, keyof Store>;

/** How values go to a driver and come from it. */
interface Values {
  take(value: Value, what?: string): DriverValue;
  give(found: Uint8Array | undefined): Bytes | undefined;
}

const copied: Values = {
  take: checkValue,
  give: (found) => (found === undefined ? undefined : copyOf(found)),
};

/** The driver copies. */
const lent: Values = {
  take: checkLentValue,
  give: (found) => found as Bytes | undefined,
};

function secondsIfFound(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}

function same<T>(answer: T): T {
  return answer;
}

function nothing(): void {}
