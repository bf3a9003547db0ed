import { amongCopies } from "./among-copies.ts";
import { checkOptions, checkValue } from "./arguments.ts";
import { boundCodec } from "./bound-codec.ts";
import { type Bytes, bytesOf, copyOf } from "./bytes.ts";
import { bytes, type Codec } from "./codec.ts";
import { type Duration, durationMs } from "./duration.ts";
import { isLockable, type LockableStore, withLock } from "./lock.ts";
import { mistake } from "./mistake.ts";
import { type Place, placeOf } from "./place.ts";
import type { CreateOptions, GetOptions, Store, Value } from "./store.ts";
import type { TypedView } from "./typed.ts";

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
  const lockForMs = lockFor === undefined ? undefined : durationMs(lockFor, "lockFor");
  const lockable = lockForMs === undefined ? undefined : checkLockable(beneath);

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
  const computed = await oneAtATime(placeOf(beneath), key, () =>
    lockable === undefined || lockForMs === undefined
      ? computeAndStore()
      : withLock(lockable, key, lockForMs, computeAndStore, () => beneath.get(key, { renewFor })),
  );
  return computed === undefined ? undefined : decode("getOrSet", copyOf(computed));
}

function checkLockable(store: Store): LockableStore {
  if (isLockable(store)) return store;
  throw mistake(
    new TypeError("lockFor needs a store with atomic steps and namespaces, and this one lacks them."),
  );
}

type Computation = Promise<Bytes | undefined>;

/** The computations under way in this process: by what their places share, then by path and key. */
const computations = amongCopies("computations", () => new WeakMap<object, Map<string, Computation>>());

function oneAtATime({ owner, path }: Place, key: string, compute: () => Computation): Computation {
  let underWay = computations.get(owner);
  if (underWay === undefined) {
    underWay = new Map();
    computations.set(owner, underWay);
  }
  const ofOwner = underWay;
  const id = JSON.stringify([...path, key]);
  let computation = ofOwner.get(id);
  if (computation === undefined) {
    computation = compute().finally(() => ofOwner.delete(id));
    ofOwner.set(id, computation);
  }
  return computation;
}
