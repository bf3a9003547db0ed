import type { AtomicStore } from "@kv/core";
import { addToInteger } from "@kv/core/driver";

interface Batch {
  requests: number;
  done: Promise<void>;
}

/**
 * Takes requests back, one a call. Those of one key that are asked for while a step on it is under way go together
 * in the next one: many requests that end at once are two steps, and not as many, each in the others' way.
 */
export function takingBack(counts: AtomicStore): (key: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Batch>();

  return (key) => {
    const joined = waiting.get(key);
    if (joined !== undefined) {
      joined.requests += 1;
      return joined.done;
    }
    const batch: Batch = { requests: 1, done: Promise.resolve() };
    waiting.set(key, batch);
    batch.done = run(key, batch);
    return batch.done;
  };

  async function run(key: string, batch: Batch): Promise<void> {
    // Whether the step before could be done is the business of those who asked for it.
    await running.get(key)?.catch(() => undefined);
    waiting.delete(key);
    const step = takeBack(counts, key, batch.requests);
    running.set(key, step);
    try {
      await step;
    } finally {
      if (running.get(key) === step) running.delete(key);
    }
  }
}

/**
 * Not by `increment` with -1: where the window has ended meanwhile, that would leave a count behind, below 0.
 * `compareAndSet` writes only where a count is, the one that was read, and leaves the window's end as it is. Where it
 * did not write, another has counted: of all who try, one gets on.
 */
async function takeBack(counts: AtomicStore, key: string, requests: number): Promise<void> {
  for (;;) {
    const stored = await counts.get(key);
    if (stored === undefined) return;
    const count = addToInteger(stored, 0);
    if (count <= 0) return;
    const left = Math.max(0, count - requests);
    if (await counts.compareAndSet(key, stored, String(left), { keepExpiry: true })) return;
  }
}
