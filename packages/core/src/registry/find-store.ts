import { callerError, describeType } from "../errors/caller-error.ts";
import { type Capability, hasCapability, methodsOf, type StoreWith } from "../store/capability.ts";
import type { Store } from "../store/store.ts";
import { isStore, type StoreRegistry } from "./registry.ts";

/** The source of an integration's store: a registry or declared stores, which it asks by name, or the store itself. */
export type StoreSource<S extends Store = Store> = Names<S> | DeclaredNames<S> | S;

/** The part of a registry that is used, so that one of another copy of this package will do. */
type Names<S extends Store> = Pick<StoreRegistry<S>, "get" | "has" | "names">;

/** The same part of declared stores, whose names are of a type of their own. */
interface DeclaredNames<S extends Store> {
  untyped(name: never): S;
  get(name: never): unknown;
  names(): string[];
}

export interface StoreNeeds<C extends Capability> {
  /** The name to ask a registry for. */
  readonly name: string;

  /** The capabilities that the store must have. */
  readonly capabilities: readonly C[];

  /** The name of the integration in error messages: `A rate limit`. */
  readonly purpose: string;
}

/**
 * Finds the store that an integration works on, checked before the first request: from a registry or declared stores by
 * its name, or the store that was passed in their place. Touches nothing.
 *
 * @throws TypeError for what is none of these, for a store that lacks a capability, and for a typed view
 * @throws StoreError as `StoreRegistry.get`
 *
 * @example
 * ```ts
 * import { type AtomicStore, findStore, type StoreSource } from "@kv/core";
 *
 * export function visitCounter(source: StoreSource<AtomicStore>) {
 *   const store = findStore(source, { name: "visits", capabilities: ["atomic"], purpose: "visitCounter" });
 *   return async (page: string) => (await store.increment(page)).value;
 * }
 * ```
 */
export function findStore<C extends Capability>(
  source: StoreSource<StoreWith<C>>,
  { name, capabilities, purpose }: StoreNeeds<C>,
): StoreWith<C> {
  const isNamed = isRegistry<StoreWith<C>>(source);
  if (!isNamed && !isStore(source)) {
    throw callerError(
      new TypeError(`${purpose} needs a StoreRegistry or a store, not ${describeType(source)}.`),
    );
  }
  const store = isNamed ? (source as Names<StoreWith<C>>).get(name) : source;
  if ("codec" in store) {
    const instead = isNamed ? `Declare ${JSON.stringify(name)} as bytes` : "Pass the store beneath it";
    throw callerError(
      new TypeError(
        `${purpose} writes values of its own, and ${isNamed ? `the store ${JSON.stringify(name)}` : "this store"} has a codec. ${instead}.`,
      ),
    );
  }
  const missing = capabilities.filter((capability) => !hasCapability(store, capability));
  if (missing.length === 0) return store;
  const methods = missing.flatMap((capability) => methodsOf[capability]);
  throw callerError(
    new TypeError(
      `${purpose} needs a store that has ${methods.join(", ")}, and ${isNamed ? `the store ${JSON.stringify(name)}` : "this one"} lacks them. Use a backend with the capability ${missing.join(", ")}, as those of @kv have it.`,
    ),
  );
}

function isRegistry<S extends Store>(source: StoreSource<S>): source is Names<S> | DeclaredNames<S> {
  if (typeof source !== "object" || source === null) return false;
  return "names" in source && typeof source.names === "function" && !("set" in source);
}
