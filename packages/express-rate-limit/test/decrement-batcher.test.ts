import type { AtomicStore } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { expect, onTestFinished, test, vi } from "vitest";
import { decrementBatcher } from "../src/store/decrement-batcher.ts";

const windowLength = { expiresIn: "1m" } as const;

test("where the window ends between the reading and the writing, no count is left behind", async () => {
  let nowMs = 0;
  const store = memoryStore({ now: () => nowMs });
  const counts: AtomicStore = {
    ...store,
    async get(key) {
      const found = await store.get(key);
      nowMs += 60_000;
      return found;
    },
  };
  await store.increment("a", { by: 5, ...windowLength });
  await decrementBatcher(counts)("a");
  expect(await store.exists("a")).toBe(false);
  expect(await store.increment("a", windowLength)).toEqual({ value: 1, expiresIn: 60 });
});

test("where another counts between the reading and the writing, both are counted", async () => {
  const store = memoryStore();
  let others = 3;
  const counts: AtomicStore = {
    ...store,
    async get(key) {
      const found = await store.get(key);
      if (others > 0) await store.increment(key);
      others -= 1;
      return found;
    },
  };
  await store.increment("a", { by: 5, ...windowLength });
  await decrementBatcher(counts)("a");
  expect((await store.increment("a", { by: 0 })).value).toBe(7);
});

test.each(["0", "-3"])("a count of %s is left as it is, without a write", async (value) => {
  const store = memoryStore();
  const compareAndSet = vi.fn(store.compareAndSet);
  await store.set("a", value);
  await decrementBatcher({ ...store, compareAndSet })("a");
  expect(compareAndSet).not.toHaveBeenCalled();
});

interface HeldRead {
  letGo(): void;
  fail(error: Error): void;
}

/** A store each of whose reads waits until it is let go. */
function slow(store: AtomicStore): { counts: AtomicStore; reads: HeldRead[] } {
  const reads: HeldRead[] = [];
  const get: AtomicStore["get"] = (key) =>
    new Promise((resolve, fail) => {
      reads.push({ letGo: () => resolve(store.get(key)), fail });
    });
  return { counts: { ...store, get }, reads };
}

test("those that are asked for while a decrement is in flight go together in the next one", async () => {
  const store = memoryStore();
  await store.increment("a", { by: 100, ...windowLength });
  const { counts, reads } = slow(store);
  const decrement = decrementBatcher(counts);
  const first = decrement("a");
  await expect.poll(() => reads.length).toBe(1);
  const rest = Array.from({ length: 60 }, () => decrement("a"));
  reads[0]?.letGo();
  await first;
  await expect.poll(() => reads.length).toBe(2);
  reads[1]?.letGo();
  await Promise.all(rest);
  expect([reads.length, (await store.increment("a", { by: 0 })).value]).toEqual([2, 39]);
});

test("a step that fails is told to those who asked for it, and is not in the way of the next", async () => {
  const store = memoryStore();
  await store.increment("a", { by: 5, ...windowLength });
  const { counts, reads } = slow(store);
  const decrement = decrementBatcher(counts);
  const first = Promise.allSettled([decrement("a"), decrement("a")]);
  await expect.poll(() => reads.length).toBe(1);
  const next = decrement("a");
  reads[0]?.fail(new Error("away"));
  const failed = { status: "rejected", reason: new Error("away") };
  expect(await first).toEqual([failed, failed]);
  await expect.poll(() => reads.length).toBe(2);
  reads[1]?.letGo();
  await next;
  expect((await store.increment("a", { by: 0 })).value).toBe(4);
});

test("keys do not wait for one another", async () => {
  const store = memoryStore();
  for (const key of ["a", "b"]) await store.increment(key, windowLength);
  const { counts, reads } = slow(store);
  const decrement = decrementBatcher(counts);
  const a = decrement("a");
  const b = decrement("b");
  await expect.poll(() => reads.length).toBe(2);
  reads[1]?.letGo();
  await b;
  reads[0]?.letGo();
  await a;
  expect((await store.increment("b", { by: 0 })).value).toBe(0);
});

test("on Cloudflare Workers none waits for the decrement of another", async () => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  const store = memoryStore();
  await store.increment("a", { by: 5, ...windowLength });
  const { counts, reads } = slow(store);
  const decrement = decrementBatcher(counts);
  const calls = [decrement("a"), decrement("a")];
  await expect.poll(() => reads.length).toBe(2);
  for (const at of [0, 1]) {
    reads[at]?.letGo();
    await calls[at];
  }
  expect((await store.increment("a", { by: 0 })).value).toBe(3);
});
