import type { Store } from "./store.ts";

/** Whether a store has a capability, which is to have its methods: one of them stands for all. */
export function hasCapability<C extends Store>(
  store: Store,
  method: Exclude<keyof C, keyof Store>,
): store is C {
  return typeof Reflect.get(store, method) === "function";
}
