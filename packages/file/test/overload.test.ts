import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isStoreError } from "@kv/core";
import type { FileStoreOptions } from "@kv/file";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Disk, disks } from "../src/disk/file-system.ts";
import { listed, storeIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// More calls at once than can be made within the timeout. What is told of each must be so.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const kinds = ["local", "network"] as const;

describe.each(kinds)("S7 an event loop that stands still for longer than the timeout, disk %s", (kind) => {
  test("what was rejected as not done is not there, and what was done is", async () => {
    const directory = newDirectory(parent).path;
    const store = storeIn({ directory, durability: "none", disk: kind, timeout: "300ms" });
    const keys = keysUpTo(300);
    const calls = Promise.allSettled(keys.map((key) => store.increment(key)));
    standStill(1_000);
    await expectAsTold(directory, keys, await calls);
  });

  test("the same, again and again while calls are made", async () => {
    const directory = newDirectory(parent).path;
    const store = storeIn({ directory, durability: "none", disk: kind, timeout: "100ms" });
    const keys = keysUpTo(200);
    const calls: Promise<PromiseSettledResult<void>[]>[] = [];
    for (const [at, key] of keys.entries()) {
      calls.push(Promise.allSettled([store.set(key, "1")]));
      if (at % 50 === 49) standStill(400);
      if (at % 20 === 19) await sleep(1);
    }
    await expectAsTold(directory, keys, (await Promise.all(calls)).flat());
  });
});

test("S7 60,000 sets at once: what was rejected is not there, and what was done is", async () => {
  const directory = newDirectory(parent).path;
  const store = storeIn({ directory, durability: "none", timeout: "300ms" });
  const keys = keysUpTo(60_000);
  const calls = Promise.allSettled(keys.map((key) => store.set(key, "1")));
  await expectAsTold(directory, keys, await calls);
});

describe.each(kinds)("S7 a disk that is slow and whole, disk %s", (kind) => {
  const timeoutMs = 500;
  // Time passes at the disk alone: how fast the machine is does not matter.
  beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("setMany of more than the timeout has room for is done: the timeout is for each piece", async () => {
    const directory = newDirectory(parent).path;
    const store = storeIn({ directory, disk: kind, timeout: timeoutMs / 1_000 }, { disk: slowDisk(kind) });
    const keys = keysUpTo(800);
    const beganMs = performance.now();
    await store.setMany(keys.map((key) => [key, key]));
    expect(performance.now() - beganMs, "the disk is slow enough to prove it").toBeGreaterThan(timeoutMs);
    const found = await storeIn({ directory, durability: "none" }).getMany(keys);
    expect(found.map((value) => value && Buffer.from(value).toString())).toEqual(keys);
  });

  test("of as many single sets each is done, or rejected as not done: no outcome is unknown", async () => {
    const directory = newDirectory(parent).path;
    const store = storeIn({ directory, disk: kind, timeout: timeoutMs / 1_000 }, { disk: slowDisk(kind) });
    const keys = keysUpTo(800);
    const outcomes = await Promise.allSettled(keys.map((key) => store.set(key, key)));
    const unknown = outcomes.filter(
      (outcome) => outcome.status === "rejected" && isStoreError(outcome.reason, "KV_OUTCOME_UNKNOWN"),
    );
    expect(unknown.length).toBe(0);
    expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
    await expectAsTold(directory, keys, outcomes);
  });
});

/** What was done is there, and what was rejected as not done is not: neither now nor a while later. */
async function expectAsTold(
  directory: string,
  keys: readonly string[],
  outcomes: readonly PromiseSettledResult<unknown>[],
): Promise<void> {
  expect(outcomes.length).toBe(keys.length);
  for (const laterMs of [0, 700]) {
    await sleep(laterMs);
    const there = new Set(await listed(storeIn({ directory, durability: "none" }).keys()));
    const lost: string[] = [];
    const doneAllTheSame: string[] = [];
    for (const [at, outcome] of outcomes.entries()) {
      const key = keys[at] ?? "";
      if (outcome.status === "fulfilled") {
        if (!there.has(key)) lost.push(key);
      } else if (!isStoreError(outcome.reason, "KV_OUTCOME_UNKNOWN")) {
        expect(["KV_TIMEOUT", "KV_UNAVAILABLE"]).toContain(codeOf(outcome.reason));
        if (there.has(key)) doneAllTheSame.push(key);
      }
    }
    expect(lost.length, "done, and not there").toBe(0);
    expect(doneAllTheSame.length, `rejected, and there after ${laterMs} ms`).toBe(0);
  }
}

/** A disk that syncs no more than one file in a millisecond, by a clock that moves on with it. */
function slowDisk(kind: Exclude<FileStoreOptions["disk"], undefined>): Disk {
  const { inline, pooled } = disks[kind];
  const slow = {
    ...pooled,
    async sync(fd: number): Promise<void> {
      await pooled.sync(fd);
      vi.advanceTimersByTime(1);
    },
  };
  return { inline: inline === pooled ? slow : inline, pooled: slow };
}

function keysUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `key ${number}`);
}

function standStill(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

function codeOf(error: unknown): unknown {
  return isStoreError(error) ? error.code : error;
}
