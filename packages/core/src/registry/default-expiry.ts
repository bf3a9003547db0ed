import { callerError, describeType } from "../errors/caller-error.ts";
import { namespaceIdOf, rememberNamespaceId } from "../portable-store/namespace-id.ts";
import type { CreateOptions, FullStore, IncrementOptions, SetOptions, Store } from "../store/store.ts";
import { type Duration, durationMs } from "../time/duration.ts";
import type { Value } from "../values/bytes.ts";
import { type TypedView, typed } from "../views/typed.ts";
import { viewOf } from "../views/view.ts";
import { isStore } from "./registry.ts";

/**
 * Makes a view of a store in which every write that names neither `expiresIn` nor `keepExpiry` gets that lifetime: `set`,
 * `setMany`, `setIfAbsent`, `compareAndSet`, and `increment` where it creates the entry. `expiresIn: Infinity` in a call
 * means none. The view has nothing of its own: closing it closes the store, and what is written to the store itself has no
 * default.
 *
 * @throws RangeError or TypeError for what is no duration; TypeError for what is no store
 *
 * @example
 * ```ts
 * import { withDefaultExpiry } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const cache = withDefaultExpiry(memoryStore(), "1h");
 * await cache.set("greeting", "hello"); // for an hour
 * await cache.set("motto", "stay", { expiresIn: Infinity }); // until it is deleted
 * ```
 */
export function withDefaultExpiry<S extends Store | TypedView<unknown>>(store: S, expiresIn: Duration): S {
  if (!isStore(store as Store))
    throw callerError(new TypeError(`The store must be a store, not ${describeType(store)}.`));
  durationMs(expiresIn, "The default expiry");
  const view =
    "codec" in store ? typed(expiring(store.store, expiresIn), store.codec) : expiring(store, expiresIn);
  return view as Store | TypedView<unknown> as S;
}

function expiring<S extends Store>(store: S, expiresIn: Duration): S {
  const orDefault = <O extends CreateOptions | SetOptions>(options: O | undefined): O => {
    if (options === undefined) return { expiresIn } as O;
    // What is no object, or has a mistake in it, is for the store to refuse.
    if (typeof options !== "object" || options === null || options.expiresIn !== undefined) return options;
    return "keepExpiry" in options && options.keepExpiry === true ? options : { ...options, expiresIn };
  };

  // Method by method, for a store need not have all of a capability.
  const full = store as unknown as FullStore;
  const view = viewOf(store, {
    set: (key: string, value: Value, options?: SetOptions) => store.set(key, value, orDefault(options)),
    setMany: (entries: Iterable<readonly [string, Value]>, options?: SetOptions) =>
      full.setMany(entries, orDefault(options)),
    increment: (key: string, options?: IncrementOptions) => full.increment(key, orDefault(options)),
    setIfAbsent: (key: string, value: Value, options?: CreateOptions) =>
      full.setIfAbsent(key, value, orDefault(options)),
    compareAndSet: (key: string, expected: Value, value: Value, options?: SetOptions) =>
      full.compareAndSet(key, expected, value, orDefault(options)),
    withNamespace: (name: string) => expiring(full.withNamespace(name), expiresIn),
  });
  const { scope, path } = namespaceIdOf(store);
  rememberNamespaceId(view, scope, path);
  return view as S;
}
