import type { AtomicStore } from "@kv/core";
import { addToInteger, KeyedQueue, requestsSharePromises } from "@kv/core/driver";

interface Batch {
  requests: number;
  done: Promise<void>;
}

/**
 * Makes a function that decrements a count by 1. Calls for one key while a decrement of it is in flight go together in
 * the next one: many requests that end at the same time take two steps, and not as many that are in each other's way.
 */
export function decrementBatcher(counts: AtomicStore): (key: string) => Promise<void> {
  const queue = new KeyedQueue();
  const waiting = new Map<string, Batch>();

  return (key) => {
    if (!requestsSharePromises()) return decrement(counts, key, 1);
    const joined = waiting.get(key);
    if (joined !== undefined) {
      joined.requests += 1;
      return joined.done;
    }
    const batch: Batch = { requests: 1, done: Promise.resolve() };
    waiting.set(key, batch);
    batch.done = queue.run(key, async () => {
      await Promise.resolve(); // calls of the same tick go together
      waiting.delete(key);
      await decrement(counts, key, batch.requests);
    });
    return batch.done;
  };
}

/**
 * Not by `increment` with -1: where the window has ended meanwhile, that would leave a count behind, below 0.
 * `compareAndSet` writes only where a count is, the one that was read, and leaves the window's end as it is. Where it
 * did not write, another has counted: of all who try, one succeeds.
 */
async function decrement(counts: AtomicStore, key: string, by: number): Promise<void> {
  for (;;) {
    const stored = await counts.get(key);
    if (stored === undefined) return;
    const count = addToInteger(stored, 0);
    if (count <= 0) return;
    const left = Math.max(0, count - by);
    if (await counts.compareAndSet(key, stored, String(left), { keepExpiry: true })) return;
  }
}
