import { amongCopies } from "./among-copies.ts";
import { checkOptions, checkValue } from "./arguments.ts";
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
 * Cache-aside: the value of `key`, or else what `compute` gives, which is stored first. Of many calls for one
 * missing key at a time, in this process, one computes and all get its value. What `compute` throws reaches all of
 * them, and nothing is stored.
 *
 * Every caller gets a value of its own, as `get` would give it.
 */
export function getOrSet<T>(
  store: TypedView<T>,
  key: string,
  compute: () => T | Promise<T>,
  options?: GetOrSetOptions,
): Promise<T>;
export function getOrSet(
  store: Store,
  key: string,
  compute: () => Value | Promise<Value>,
  options?: GetOrSetOptions,
): Promise<Bytes>;
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

  const found = await beneath.get(key, { renewFor });
  if (found !== undefined) return codec.decode(found);

  const computeAndStore = async (): Promise<Bytes> => {
    // Another call may have stored it since this one looked.
    const stored = await beneath.get(key, { renewFor });
    if (stored !== undefined) return stored;
    const computed = checkValue(await codec.encode(await compute()), "The computed value");
    await beneath.set(key, computed, { expiresIn });
    return copyOf(bytesOf(computed));
  };
  const computed = await oneAtATime(placeOf(beneath), key, () =>
    lockable === undefined || lockForMs === undefined
      ? computeAndStore()
      : withLock(lockable, key, lockForMs, computeAndStore, () => beneath.get(key, { renewFor })),
  );
  return codec.decode(copyOf(computed));
}

function checkLockable(store: Store): LockableStore {
  if (isLockable(store)) return store;
  throw mistake(
    new TypeError("lockFor needs a store with atomic steps and namespaces, and this one lacks them."),
  );
}

/** The computations under way in this process: by what their places share, then by path and key. */
const computations = amongCopies("computations", () => new WeakMap<object, Map<string, Promise<Bytes>>>());

function oneAtATime({ owner, path }: Place, key: string, compute: () => Promise<Bytes>): Promise<Bytes> {
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
