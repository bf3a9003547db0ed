import { processGlobal } from "../concurrency/process-global.ts";
import { singleFlight } from "../concurrency/single-flight.ts";
import { checkOptions, checkValue } from "../driver/validation.ts";
import { callerError } from "../errors/caller-error.ts";
import { namespaceIdOf } from "../portable-store/namespace-id.ts";
import type { CreateOptions, GetOptions, Store } from "../store/store.ts";
import { type Duration, durationMs } from "../time/duration.ts";
import { type Bytes, bytesOf, copyOf, type Value } from "../values/bytes.ts";
import { bytes, type Codec } from "../values/codec.ts";
import { boundCodec } from "../views/bound-codec.ts";
import type { TypedView } from "../views/typed.ts";
import { isLockable, type LockableStore, withLock } from "./lock.ts";

export interface GetOrSetOptions extends GetOptions, CreateOptions {
  /**
   * Makes one computation at a time across all processes that share the store, not only in this one, by a lock
   * that a dead process leaves behind for at most this long. A living one keeps its lock however long it computes.
   * Needs a store with atomic steps and namespaces: the lock is kept in the child namespace `getOrSet`.
   */
  readonly lockFor?: Duration | undefined;
}

const known: readonly string[] = ["expiresIn", "renewFor", "lockFor"];

/**
 * Gets the value of `key`, or else what `compute` gives, which is stored first (cache-aside). Of many calls for one
 * missing key at a time, in this process, one computes and all get its value. What `compute` throws reaches all of
 * them, and nothing is stored; where it gives `undefined` there is no value: nothing is stored, and all get `undefined`.
 * On Cloudflare Workers, where a request may not wait for a promise of another, each call computes unless `lockFor` is given.
 *
 * Every caller gets a value of its own, as `get` would give it.
 *
 * @example
 * ```ts
 * import { getOrSet, json, typed } from "@kv/core";
 * import { memoryStore } from "@kv/memory";
 *
 * const users = typed(memoryStore(), json<{ name: string }>());
 * const user = await getOrSet(users, "ada", async () => ({ name: "Ada" }), { expiresIn: "5m" });
 * console.log(user.name);
 * ```
 */
export function getOrSet<T>(
  store: TypedView<T>,
  key: string,
  compute: () => NoInfer<T> | Promise<NoInfer<T>>,
  options?: GetOrSetOptions,
): Promise<T>;
export function getOrSet<T>(
  store: TypedView<T>,
  key: string,
  compute: () => NoInfer<T> | undefined | Promise<NoInfer<T> | undefined>,
  options?: GetOrSetOptions,
): Promise<T | undefined>;
export function getOrSet(
  store: Store,
  key: string,
  compute: () => Value | Promise<Value>,
  options?: GetOrSetOptions,
): Promise<Bytes>;
export function getOrSet(
  store: Store,
  key: string,
  compute: () => Value | undefined | Promise<Value | undefined>,
  options?: GetOrSetOptions,
): Promise<Bytes | undefined>;
export async function getOrSet(
  store: Store | TypedView<unknown>,
  key: string,
  compute: () => unknown,
  options: GetOrSetOptions = {},
): Promise<unknown> {
  const { store: beneath, codec } = "codec" in store ? store : { store, codec: bytes as Codec<unknown> };
  checkOptions(options, known);
  const { expiresIn, renewFor, lockFor } = options;
  const lock =
    lockFor === undefined
      ? undefined
      : { forMs: durationMs(lockFor, "lockFor"), store: checkLockable(beneath) };

  const { encode, decode } = boundCodec(codec, beneath);

  const found = await beneath.get(key, { renewFor });
  if (found !== undefined) return decode("getOrSet", found);

  const computeAndStore = async (): Promise<Bytes | undefined> => {
    // Another call may have stored it since this one looked.
    const stored = await beneath.get(key, { renewFor });
    if (stored !== undefined) return stored;
    const value = await compute();
    if (value === undefined) return undefined;
    const encoded = checkValue(await encode("getOrSet", value), "The computed value");
    await beneath.set(key, encoded, { expiresIn });
    return copyOf(bytesOf(encoded));
  };
  const { scope, path } = namespaceIdOf(beneath);
  const computed = await singleFlight(computationsOf(scope), JSON.stringify([...path, key]), () =>
    lock === undefined
      ? computeAndStore()
      : withLock(lock.store, key, lock.forMs, computeAndStore, () => beneath.get(key, { renewFor })),
  );
  return computed === undefined ? undefined : decode("getOrSet", copyOf(computed));
}

function checkLockable(store: Store): LockableStore {
  if (isLockable(store)) return store;
  throw callerError(
    new TypeError("lockFor needs a store with atomic steps and namespaces, and this one lacks them."),
  );
}

/** The computations in flight in this process, by what their stores share, then by path and key. */
const computations = processGlobal(
  "computations",
  () => new WeakMap<object, Map<string, Promise<Bytes | undefined>>>(),
);

function computationsOf(scope: object): Map<string, Promise<Bytes | undefined>> {
  const present = computations.get(scope);
  if (present !== undefined) return present;
  const added = new Map<string, Promise<Bytes | undefined>>();
  computations.set(scope, added);
  return added;
}
