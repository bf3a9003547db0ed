import { guarded } from "./background.ts";
import { hasCapability } from "./capability.ts";
import { longestTimerMs } from "./duration.ts";
import { isStoreError } from "./error.ts";
import type { AtomicStore, NamespacedStore, Store } from "./store.ts";

export type LockableStore = AtomicStore & NamespacedStore;

export function isLockable(store: Store): store is LockableStore {
  return hasCapability(store, "atomic") && hasCapability(store, "namespaces");
}

const firstWaitMs = 10;
const longestWaitMs = 250;

/**
 * Does `work` under the lock of `key`, which is an entry of the child namespace `getOrSet` that expires after
 * `lockForMs` and is renewed while `work` goes on. While another holds the lock, asks `lookAgain` now and then, and
 * gives what it finds.
 */
export async function withLock<T>(
  store: LockableStore,
  key: string,
  lockForMs: number,
  work: () => Promise<T>,
  lookAgain: () => Promise<T | undefined>,
): Promise<T> {
  const locks = store.withNamespace("getOrSet");
  const token = crypto.randomUUID();
  const expiresIn = { milliseconds: lockForMs };

  for (let waitMs = firstWaitMs; !(await locks.setIfAbsent(key, token, { expiresIn })); waitMs *= 2) {
    await passed(Math.min(waitMs, longestWaitMs) * (0.5 + Math.random() / 2));
    const found = await lookAgain();
    if (found !== undefined) return found;
  }

  const renewal = setInterval(
    guarded(() => locks.compareAndSet(key, token, token, { expiresIn }).catch(leaveToExpire)),
    Math.min(lockForMs / 3, longestTimerMs),
  );
  // Browsers and workers give a number, which holds nothing alive.
  if (typeof renewal === "object") renewal.unref();
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await locks.compareAndDelete(key, token).catch(leaveToExpire);
  }
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A lock that can be neither renewed nor released ends by itself; at worst something is computed twice. */
function leaveToExpire(error: unknown): void {
  if (!isStoreError(error)) throw error;
}
