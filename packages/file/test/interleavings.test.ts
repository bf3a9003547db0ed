import { rmSync } from "node:fs";
import { type FullStore, isStoreError } from "@kv/core";
import { fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import { afterAll, describe, expect, test } from "vitest";
import { fileStoreIn } from "../src/store/file-store.ts";
import { HeldDisk, type Side, sides } from "./held-disk.ts";
import { ourDesign, storeOf } from "./mutants/mutated-store.ts";
import { newDirectory, newParent } from "./temporary.ts";

/**
 * One call to the disk of one owner is held up, as if its process had been stopped there, while another owner makes a
 * call of its own; then the first goes on. Whichever call it is, the answers and what is left must be those of one
 * order of the two.
 */
const operations: Readonly<Record<string, (store: FullStore) => Promise<unknown>>> = {
  get: async (store) => textOf(await store.get("key")),
  set: (store) => store.set("key", "50"),
  "set with keepExpiry": (store) => store.set("key", "60", { keepExpiry: true }),
  delete: (store) => store.delete("key"),
  touch: (store) => store.touch("key", "3h"),
  "get with renewFor": async (store) => textOf(await store.get("key", { renewFor: "5h" })),
  increment: async (store) => (await store.increment("key", { by: 7 })).value,
  setIfAbsent: (store) => store.setIfAbsent("key", "70"),
  compareAndSet: (store) => store.compareAndSet("key", "41", "42"),
  compareAndDelete: (store) => store.compareAndDelete("key", "41"),
  take: async (store) => textOf(await store.take("key")),
  deleteAll: (store) => store.deleteAll(),
  deleteExpired: async (store) => void (await store.deleteExpired()),
};

/** How the store is before. */
const beginnings: Readonly<Record<string, (store: FullStore) => Promise<unknown>>> = {
  "an entry": (store) => store.set("key", "41", { expiresIn: "1h" }),
  "an expired entry": async (store) => {
    await store.set("key", "41", { expiresIn: { milliseconds: 1 } });
    while (await store.exists("key"));
  },
  nothing: (store) => store.set("other", "1"),
};

const names = Object.keys(operations);
/** An ordinary run tries those whose races differ in kind. */
const heldOnes = soak
  ? names
  : ["set", "delete", "touch", "increment", "compareAndSet", "take", "deleteAll", "deleteExpired"];
const otherOnes = soak
  ? names
  : ["get", "set", "touch", "increment", "setIfAbsent", "take", "deleteAll", "deleteExpired"];

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe.each(Object.keys(beginnings))("S6 from %s", (beginning) => {
  describe.each(heldOnes)("%s, held up at any of its calls to the disk", (held) => {
    test.each(otherOnes)("while %s fences its owner: one order explains both", async (other) => {
      const orders = await bothOrders(beginning, held, other);
      let tries = 0;
      for (const side of sides) {
        for (let at = 1; await tried(beginning, held, other, at, side, orders, "unknown"); at += 1) {
          tries += 1;
        }
      }
      expect(tries).toBeGreaterThan(1); // there was a call to hold
    });
  });
});

describe("S7 an owner that is stopped, and lives", () => {
  test.each(["increment", "set", "delete", "touch"])(
    "is never robbed: %s of another waits, or gives up with KV_TIMEOUT and changes nothing",
    async (other) => {
      const orders = await bothOrders("an entry", "increment", other);
      let timeouts = 0;
      for (let at = 1; ; at += 1) {
        const outcome = await tried("an entry", "increment", other, at, "after", orders, "alive");
        if (outcome === undefined) break;
        if (outcome === "timeout") timeouts += 1;
      }
      expect(timeouts).toBeGreaterThan(2);
    },
  );
});

type Outcome = "done" | "timeout" | undefined;

async function tried(
  beginning: string,
  held: string,
  other: string,
  at: number,
  side: Side,
  orders: readonly string[],
  liveness: "unknown" | "alive",
): Promise<Outcome> {
  const where = `${held} held ${side} call ${at}, ${other} meanwhile`;
  const directory = newDirectory(parent);
  const options = { directory: directory.path, durability: "none" } as const;
  const disk = new HeldDisk(({ number }) => number === at, side);
  const slow = fileStoreIn(options, { disk });
  await beginnings[beginning]?.(slow);
  const quick =
    liveness === "alive"
      ? storeOf(ourDesign, directory.path, {}, "gives up")
      : fileStoreIn(options, { heartbeatTimeoutMs: 1, livenessOf: () => "unknown" });
  disk.arm();
  const first = operations[held]?.(slow);
  const reached = await Promise.race([disk.held.then(() => true), first?.then(() => false)]);
  if (reached !== true) {
    disk.release(); // closing makes calls too
    await closed(slow, quick);
    directory.remove();
    return undefined;
  }
  let outcome: Outcome = "done";
  let secondAnswer: unknown;
  try {
    secondAnswer = await operations[other]?.(quick);
  } catch (error) {
    if (liveness !== "alive" || !isStoreError(error, "KV_TIMEOUT")) throw error;
    outcome = "timeout";
  }
  disk.release();
  const firstAnswer = await first;
  const seen = JSON.stringify([
    firstAnswer,
    outcome === "timeout" ? "timeout" : secondAnswer,
    await stateOf(quick),
  ]);
  const allowed = outcome === "timeout" ? [await alone(beginning, held)] : orders;
  expect(allowed, where).toContain(seen);
  await closed(slow, quick);
  directory.remove();
  return outcome;
}

/** What the two answer and leave, one after the other, in either order. */
async function bothOrders(beginning: string, held: string, other: string): Promise<string[]> {
  const orders: string[] = [];
  for (const heldFirst of [true, false]) {
    orders.push(
      await onFreshStore(beginning, async (store) => {
        const answers: unknown[] = [];
        if (heldFirst) answers[0] = await operations[held]?.(store);
        answers[1] = await operations[other]?.(store);
        if (!heldFirst) answers[0] = await operations[held]?.(store);
        return answers;
      }),
    );
  }
  return orders;
}

async function alone(beginning: string, held: string): Promise<string> {
  return await onFreshStore(beginning, async (store) => [await operations[held]?.(store), "timeout"]);
}

async function onFreshStore(
  beginning: string,
  work: (store: FullStore) => Promise<unknown[]>,
): Promise<string> {
  const directory = newDirectory(parent);
  const store = fileStore({ directory: directory.path, durability: "none" });
  await beginnings[beginning]?.(store);
  const answers = await work(store);
  const seen = JSON.stringify([...answers, await stateOf(store)]);
  await store.close();
  directory.remove();
  return seen;
}

async function stateOf(store: FullStore): Promise<unknown> {
  const left = await store.expiresIn("key");
  return [textOf(await store.get("key")), left === undefined ? "none" : Math.round(left / 3_600)];
}

async function closed(...stores: readonly FullStore[]): Promise<void> {
  for (const store of stores) await store.close();
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
