import { Backoff } from "../concurrency/backoff.ts";
import { withRenewal } from "../concurrency/renewal.ts";
import { isStoreError } from "../errors/store-error.ts";
import { hasCapability } from "../store/capability.ts";
import type { AtomicStore, NamespacedStore, Store } from "../store/store.ts";

export type LockableStore = AtomicStore & NamespacedStore;

export function isLockable(store: Store): store is LockableStore {
  return hasCapability(store, "atomic") && hasCapability(store, "namespaces");
}

/**
 * Does `work` under the lock of `key`, which is an entry of the child namespace `getOrSet` that expires after
 * `lockForMs` and is renewed while `work` goes on. While another holds the lock, asks `poll` now and then, and
 * gives what it finds.
 */
export async function withLock<T>(
  store: LockableStore,
  key: string,
  lockForMs: number,
  work: () => Promise<T>,
  poll: () => Promise<T | undefined>,
): Promise<T> {
  const locks = store.withNamespace("getOrSet");
  const token = crypto.randomUUID();
  const expiresIn = { milliseconds: lockForMs };

  const backoff = new Backoff();
  while (!(await locks.setIfAbsent(key, token, { expiresIn }))) {
    await backoff.wait();
    const found = await poll();
    if (found !== undefined) return found;
  }

  const renew = () => locks.compareAndSet(key, token, token, { expiresIn }).catch(ignoreStoreError);
  try {
    return await withRenewal(lockForMs / 3, renew, work);
  } finally {
    await locks.compareAndDelete(key, token).catch(ignoreStoreError);
  }
}

/** A lock that can be neither renewed nor released ends by itself; at worst something is computed twice. */
function ignoreStoreError(error: unknown): void {
  if (!isStoreError(error)) throw error;
}
