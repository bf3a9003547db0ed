import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type FullStore, isStoreError } from "@kv/core";
import { fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import { afterAll, describe, expect, test } from "vitest";
import { fileStoreIn } from "../src/store/file-store.ts";
import { HeldDisk } from "./held-disk.ts";
import { outcomeOf } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// The disk answers so many calls of an operation, and then none for longer than its timeout. Then it goes on, and what
// has waited is done. Whatever was told by then must still be so.

const operations: Readonly<Record<string, (store: FullStore) => Promise<unknown>>> = {
  increment: (store) => store.increment("key"),
  delete: (store) => store.delete("key"),
  deleteAll: (store) => store.deleteAll(),
  ...(soak && {
    set: (store) => store.set("key", "50"),
    touch: (store) => store.touch("key", "9h"),
    "set with keepExpiry": (store) => store.set("key", "50", { keepExpiry: true }),
    "set in a new namespace": (store) => store.withNamespace("new").set("key", "50"),
    "set of a large value": (store) => store.set("key", "5".repeat(3_000_000)),
    "get with renewFor": (store) => store.get("key", { renewFor: "9h" }),
    compareAndSet: (store) => store.compareAndSet("key", "41", "50"),
    compareAndDelete: (store) => store.compareAndDelete("key", "41"),
    setIfAbsent: (store) => store.setIfAbsent("new", "50"),
    take: (store) => store.take("key"),
    setMany: (store) => store.setMany([["key", "50"]]),
    deleteExpired: (store) => store.deleteExpired(),
  }),
};

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe("S7 whichever call to the disk is the first that is not answered in time", () => {
  test.each(Object.keys(operations))("%s: what was rejected as not done is not done later", async (name) => {
    const untouched = await stateAfter(undefined);
    const done = await stateAfter(name);
    let at = 1;
    for (let isOver = false; !isOver; ) {
      // Each waits for its timeout: several do so beside each other.
      const tries = Array.from({ length: 8 }, (_, more) => tried(name, at + more, untouched, done));
      const reached = await Promise.all(tries);
      isOver = reached.includes(false);
      at += isOver ? reached.indexOf(false) : reached.length;
    }
    expect(at).toBeGreaterThan(3); // there were calls to leave unanswered
  });
});

/** Gives whether there was such a call: an operation makes so many and no more. */
async function tried(name: string, at: number, untouched: string, done: string): Promise<boolean> {
  const where = `${name}, unanswered from call ${at} on`;
  const directory = newDirectory(parent);
  await prepare(directory.path);
  const disk = new HeldDisk(({ number }) => number >= at);
  const store = fileStoreIn(
    { directory: directory.path, durability: "none", disk: "network", timeout: "500ms" },
    { disk },
  );
  let reached = false;
  disk.arm();
  const wasReached = disk.held.then(() => {
    reached = true;
  });
  const outcome = await Promise.race([
    outcomeOf(async () => void (await operations[name]?.(store))),
    sleep(60_000, "never", { ref: false }),
  ]);
  disk.release();
  if (reached) await wasReached;
  await sleep(50); // what goes on now comes to its end
  await outcomeOf(() => store.close());

  if (outcome === undefined) {
    expect(await stateOf(directory.path), where).toBe(done); // what it waited for did not matter
  } else {
    if (!isStoreError(outcome)) throw new Error(where, { cause: outcome });
    expect(["KV_TIMEOUT", "KV_UNAVAILABLE", "KV_OUTCOME_UNKNOWN"], where).toContain(outcome.code);
    const state = await stateOf(directory.path);
    if (outcome.code === "KV_OUTCOME_UNKNOWN") expect([untouched, done], where).toContain(state);
    else expect(state, `${where}: ${outcome.message}`).toBe(untouched);
  }
  directory.remove();
  return reached || outcome !== undefined; // on a busy machine it may have taken too long without being held up
}

async function prepare(directory: string): Promise<void> {
  const store = fileStore({ directory, durability: "none" });
  await store.set("key", "41", { expiresIn: "2h" });
  await store.close();
}

async function stateAfter(name: string | undefined): Promise<string> {
  const directory = newDirectory(parent);
  await prepare(directory.path);
  if (name !== undefined) {
    const store = fileStore({ directory: directory.path, durability: "none" });
    await operations[name]?.(store);
    await store.close();
  }
  const state = await stateOf(directory.path);
  directory.remove();
  return state;
}

async function stateOf(directory: string): Promise<string> {
  const store = fileStore({ directory, durability: "none" });
  const seen: unknown[] = [];
  for (const [at, key] of [
    [store, "key"],
    [store, "new"],
    [store.withNamespace("new"), "key"],
  ] as const) {
    const value = await at.get(key);
    const left = await at.expiresIn(key);
    seen.push(value && Buffer.from(value).toString("latin1", 0, 20), value?.length);
    seen.push(left === undefined ? "none" : Math.round(left / 3_600));
  }
  await store.close();
  return JSON.stringify(seen);
}
