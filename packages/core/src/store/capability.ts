import type {
  AtomicStore,
  BatchStore,
  ExpirableStore,
  ListableStore,
  NamespacedStore,
  Store,
} from "./store.ts";

/** A group of methods beyond those that every store has. */
export type Capability = "namespaces" | "batch" | "atomic" | "listing" | "expiry";

interface Abilities<C extends Capability> {
  readonly namespaces: "namespaces" extends C ? NamespacedStore : unknown;
  readonly batch: "batch" extends C ? BatchStore : unknown;
  readonly atomic: "atomic" extends C ? AtomicStore : unknown;
  readonly listing: "listing" extends C ? ListableStore : unknown;
  readonly expiry: "expiry" extends C ? ExpirableStore : unknown;
}

/** A store with these capabilities. */
export type StoreWith<C extends Capability> = Store &
  Abilities<C>["namespaces"] &
  Abilities<C>["batch"] &
  Abilities<C>["atomic"] &
  Abilities<C>["listing"] &
  Abilities<C>["expiry"];

/** The methods that make each capability. */
export const methodsOf: Readonly<Record<Capability, readonly string[]>> = {
  namespaces: ["withNamespace"],
  batch: ["getMany", "setMany", "deleteMany"],
  atomic: ["increment", "setIfAbsent", "compareAndSet", "compareAndDelete", "take"],
  listing: ["keys", "entries", "namespaces"],
  expiry: ["deleteExpired"],
};

/**
 * Tells whether a store has a capability, which is to have its methods.
 *
 * @example
 * ```ts
 * import { hasCapability, type Store } from "@kv/core";
 *
 * export async function sweep(store: Store): Promise<number> {
 *   return hasCapability(store, "expiry") ? store.deleteExpired() : 0;
 * }
 * ```
 */
export function hasCapability<C extends Capability, S extends Store>(
  store: S,
  capability: C,
): store is S & StoreWith<C> {
  return methodsOf[capability].every((method) => typeof Reflect.get(store, method) === "function");
}
