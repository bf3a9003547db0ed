// For compilers whose lib setting does not bring AsyncDisposable.
/// <reference lib="esnext.disposable" preserve="true" />

import { checkOptions } from "../driver/validation.ts";
import { callerError, describeType } from "../errors/caller-error.ts";
import { StoreError } from "../errors/store-error.ts";
import { hasCapability } from "../store/capability.ts";
import type { NamespacedStore, Store } from "../store/store.ts";

export interface RegistryOptions<S extends Store> {
  /** Stores by name. */
  readonly stores?: Readonly<Record<string, S>> | ReadonlyMap<string, S> | undefined;

  /** Makes the store of a name that is not registered; it is then kept under that name. */
  readonly defaultFactory?: ((name: string) => S) | undefined;

  /** Gives every name that is not registered a namespace of its own in this store. Excludes `defaultFactory`. */
  readonly root?: undefined;
}

export interface RootedRegistryOptions<S extends Store> {
  /** Stores by name, which `root` does not give. */
  readonly stores?: Readonly<Record<string, S>> | ReadonlyMap<string, S> | undefined;

  /** Excludes `root`. */
  readonly defaultFactory?: undefined;

  /** Gives every name that is not registered a namespace of its own in this store. */
  readonly root: S & NamespacedStore;
}

export interface RegisterOptions {
  /** Lets `register` replace a store. The one replaced is not closed: it is its owner's again. */
  readonly allowOverride?: boolean | undefined;
}

const registryOptions: readonly string[] = ["stores", "root", "defaultFactory"];
const registerOptions: readonly string[] = ["allowOverride"];

/**
 * Hands out stores by name, so that an application names what it needs and is told in one place where it is kept.
 * The registry holds its stores and closes them.
 */
export class StoreRegistry<S extends Store = Store> implements AsyncDisposable {
  readonly #stores: Map<string, S>;
  readonly #defaultFactory: ((name: string) => S) | undefined;
  readonly #root: (S & NamespacedStore) | undefined;
  readonly #namespacesOfRoot = new Set<S>();
  #closing: Promise<void> | undefined;

  constructor(options: RegistryOptions<S> | RootedRegistryOptions<S> = {}) {
    checkOptions(options, registryOptions);
    const { stores = {}, defaultFactory, root } = options;
    if (defaultFactory !== undefined && root !== undefined) {
      throw callerError(new TypeError("root and defaultFactory exclude each other: pass one of them."));
    }
    if (defaultFactory !== undefined && typeof defaultFactory !== "function") {
      throw callerError(
        new TypeError(`defaultFactory must be a function, not ${describeType(defaultFactory)}.`),
      );
    }
    if (root !== undefined && typeof checkStore(root, "root").withNamespace !== "function") {
      throw callerError(new TypeError("root must be a store with namespaces, and this one has none."));
    }
    this.#stores = new Map(stores instanceof Map ? stores : Object.entries(stores));
    for (const [name, store] of this.#stores) checkStore(store, `The store ${JSON.stringify(name)}`);
    this.#defaultFactory = defaultFactory;
    this.#root = root;
  }

  /**
   * Gets the store of that name, the same object every time. One that is not registered comes from `defaultFactory` or
   * is a namespace of `root`.
   *
   * @throws StoreError `KV_UNKNOWN_STORE` where there is neither; `KV_CLOSED` after the end
   */
  get(name: string): S {
    this.#assertOpen();
    checkStoreName(name);
    const known = this.#stores.get(name);
    if (known !== undefined) return known;
    const store = this.#make(name);
    this.#stores.set(name, store);
    return store;
  }

  /**
   * Puts a store under a name, before or after others.
   *
   * @throws StoreError `KV_STORE_EXISTS` for a name that is taken, without `allowOverride`; `KV_CLOSED` after the end
   */
  register(name: string, store: S, options: RegisterOptions = {}): void {
    this.#assertOpen();
    checkStoreName(name);
    checkStore(store, "The store");
    checkOptions(options, registerOptions);
    if (this.#stores.has(name) && options.allowOverride !== true) {
      throw new StoreError(
        "KV_STORE_EXISTS",
        `There is a store named ${JSON.stringify(name)} already. Pass { allowOverride: true } to replace it.`,
      );
    }
    this.#stores.set(name, store);
  }

  /** Tells whether a store of that name was registered or handed out. */
  has(name: string): boolean {
    return this.#stores.has(name);
  }

  /** Gives the names that were registered or handed out. */
  names(): string[] {
    return [...this.#stores.keys()];
  }

  /**
   * Removes what has expired from every store that can be asked to. How many entries? Where some fail the others
   * are done all the same, and it then rejects with an `AggregateError`.
   */
  async deleteExpired(): Promise<number> {
    this.#assertOpen();
    const outcomes = await Promise.allSettled(
      this.#held()
        .filter((store) => !this.#namespacesOfRoot.has(store)) // root does them all in one go
        .map(async (store) => (hasCapability(store, "expiry") ? store.deleteExpired() : 0)),
    );
    const counts = valuesOrThrow(outcomes, "Removing what has expired failed");
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Closes every store that the registry holds, once each, `root` last. Where some fail the others are closed all
   * the same, and it then rejects with an `AggregateError`. Safe to call again.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #make(name: string): S {
    if (this.#root !== undefined) {
      const store = this.#root.withNamespace(name);
      this.#namespacesOfRoot.add(store);
      return store;
    }
    if (this.#defaultFactory !== undefined)
      return checkStore(this.#defaultFactory(name), "What defaultFactory gave");
    const names = this.names().map((known) => JSON.stringify(known));
    throw new StoreError(
      "KV_UNKNOWN_STORE",
      `There is no store named ${JSON.stringify(name)}. ${names.length === 0 ? "None is registered" : `Registered: ${names.join(", ")}`}. Register it, or give the registry a defaultFactory or a root.`,
    );
  }

  /** Every store that is held, once, but for root. */
  #others(): S[] {
    const stores = new Set(this.#stores.values());
    if (this.#root !== undefined) stores.delete(this.#root);
    return [...stores];
  }

  #held(): S[] {
    return this.#root === undefined ? this.#others() : [...this.#others(), this.#root];
  }

  async #close(): Promise<void> {
    const others = await Promise.allSettled(this.#others().map(async (store) => store.close()));
    const root = await Promise.allSettled([this.#root?.close()]);
    valuesOrThrow([...others, ...root], "Closing the registry failed");
  }

  #assertOpen(): void {
    if (this.#closing !== undefined)
      throw new StoreError("KV_CLOSED", "The registry was closed. Make a new one.");
  }
}

function checkStoreName(name: string): void {
  if (typeof name !== "string")
    throw callerError(new TypeError(`The name of a store must be a string, not ${describeType(name)}.`));
}

function checkStore<S extends Store>(store: S, what: string): S {
  if (isStore(store)) return store;
  throw callerError(new TypeError(`${what} must be a store, not ${describeType(store)}.`));
}

export function isStore(store: Store): boolean {
  return (
    typeof store === "object" &&
    store !== null &&
    typeof store.get === "function" &&
    typeof store.close === "function"
  );
}

function valuesOrThrow<T>(outcomes: readonly PromiseSettledResult<T>[], message: string): T[] {
  const errors: unknown[] = [];
  const values: T[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") values.push(outcome.value);
    else errors.push(outcome.reason);
  }
  if (errors.length === 0) return values;
  throw new AggregateError(
    errors,
    `${message} for ${errors.length} of ${outcomes.length} stores; see the errors.`,
  );
}
