import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isStoreError } from "@kv/core";
import { fileStore } from "@kv/file";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { disks, type FileSystem } from "../src/disk/file-system.ts";
import { livenessOf, newOwnerId } from "../src/ownership/owner-id.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { HeldDisk, isCommit } from "./held-disk.ts";
import { ourDesign, storeOf } from "./mutants/mutated-store.ts";
import { outcomeOf, storeIn, usedStoreIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// What surrounds the protocol: sweeps, closing, batches, and directories that are not what they were.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

test("A1 a sweep of the same owner lets nobody else in: no acknowledged increment is lost", async () => {
  const directory = newDirectory(parent).path;
  const options = { directory, disk: "network", durability: "none" } as const;
  const stores = [storeIn(options), storeIn(options)];
  let acknowledged = 0;
  const over = new AbortController();
  const counting = [...stores, ...stores].map(async (store) => {
    for (let at = 0; at < 400; at += 1) {
      await store.increment("key");
      acknowledged += 1;
    }
  });
  const sweeping = stores.map(async (store) => {
    while (!over.signal.aborted) await store.deleteExpired();
  });
  await Promise.all(counting);
  over.abort();
  await Promise.all(sweeping);
  const value = await stores[0]?.get("key");
  expect(Number(Buffer.from(value ?? []).toString())).toBe(acknowledged);
});

test.each(["deleteAll", "deleteExpired", "close"] as const)(
  "L1 %s leaves alone what came in the place of the directory",
  async (what) => {
    const directory = newDirectory(parent).path;
    const store = await usedStoreIn(directory);
    rmSync(directory, { recursive: true });
    const foreign = ["data", "trash", "spare", "locks"].map((name) => join(directory, name, "precious"));
    for (const path of foreign) {
      mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
      writeFileSync(path, "precious");
    }
    await outcomeOf(async () => store[what]());
    for (const path of foreign) expect(existsSync(path), path).toBe(true);
    expect(readdirSync(directory).toSorted()).toEqual(["data", "locks", "spare", "trash"]);
  },
);

test("L1 a sweep makes no directory anew that was removed, and a change does", async () => {
  const directory = newDirectory(parent).path;
  const store = await usedStoreIn(directory);
  rmSync(directory, { recursive: true });
  expect(await store.deleteExpired()).toBe(0);
  await store.deleteAll();
  expect(existsSync(directory)).toBe(false);
  await store.set("key", "1");
  expect(await store.exists("key")).toBe(true);
});

test("S7 a worker thread of another process is judged by its signs of life", () => {
  const parts = newOwnerId({ dev: 1, ino: 1 }).split("-");
  const of = (pid: number, thread: string): string =>
    [pid, ...parts.slice(1, 5), thread, ...parts.slice(6)].join("-");
  expect(livenessOf(of(process.pid, "77"))).toBe("unknown");
  expect(livenessOf(of(2 ** 22 + 1, "77"))).toBe("ended"); // there is no such process
});

test("S7 a batch says how many of its keys failed, and gravest is what may have been done", async () => {
  const directory = newDirectory(parent).path;
  const disk = new HeldDisk(isCommit);
  const slow = fileStoreIn({ directory, durability: "none", timeout: "10m" }, { disk });
  await slow.set("k", "0");
  disk.arm();
  const held = slow.set("k", "1");
  await disk.held;
  const store = storeOf(ourDesign, directory, {}, "gives up");
  onTestFinished(() => store.close());
  const outcome = await outcomeOf(() => store.setMany(["a", "k", "b"].map((key) => [key, "1"] as const)));
  expect(outcome).toMatchObject({ code: "KV_TIMEOUT", message: expect.stringMatching(/1 of 3 keys failed/) });
  expect(await store.getMany(["a", "b"])).toEqual([expect.any(Uint8Array), expect.any(Uint8Array)]);
  disk.release();
  await held;
  await slow.close();
});

test("L2 what waits for its turn when the store is closed is not made after it", async () => {
  const directory = newDirectory(parent).path;
  const { pooled } = disks.local;
  const slowly: FileSystem["sync"] = async (fd) => {
    await sleep(5);
    await pooled.sync(fd);
  };
  const disk = { inline: disks.local.inline, pooled: { ...pooled, sync: slowly } };
  const store = fileStoreIn({ directory, durability: "file", timeout: "200ms" }, { disk });
  await store.set("before", "1");
  const batch = outcomeOf(() =>
    store.setMany(Array.from({ length: 2_000 }, (_, at) => [`${at}`, "1"] as const)),
  );
  await outcomeOf(() => store.close());
  const outcome = await batch;
  expect(isStoreError(outcome), String(outcome)).toBe(true);
  expect(readdirSync(join(directory, "owners"))).toEqual([]);
  expect(readdirSync(join(directory, "locks"))).toEqual([]);
});

test("S7 locks/ that a copy has left out is made again", async () => {
  const directory = newDirectory(parent).path;
  const store = await usedStoreIn(directory);
  for (const each of [store, storeIn({ directory, durability: "none" })]) {
    rmSync(join(directory, "locks"), { recursive: true, force: true });
    await each.set("key", "1");
    expect(await each.exists("key")).toBe(true);
  }
});

test("T1 a life begins when a lock that was waited for is there", async () => {
  const directory = newDirectory(parent).path;
  const disk = new HeldDisk(isCommit);
  const slow = fileStoreIn({ directory, durability: "none", timeout: "10m" }, { disk });
  await slow.set("other", "0");
  disk.arm();
  const held = slow.set("key", "gone", { expiresIn: { milliseconds: 1 } });
  await disk.held;
  let nowMs = Date.now();
  const store = fileStoreIn({ directory, durability: "none", timeout: "10m" }, { now: () => nowMs });
  const claimed = store.setIfAbsent("key", "mine", { expiresIn: "1s" });
  await sleep(50);
  nowMs += 60_000;
  disk.release();
  await held;
  expect(await claimed).toBe(true);
  expect(await store.exists("key")).toBe(true);
  await store.close();
  await slow.close();
});

test("L3 a call that is done leaves no timer behind", async () => {
  const { path: directory } = newDirectory(parent);
  const store = fileStore({ directory, durability: "file", timeout: "100ms" });
  await store.set("key", "1");
  const call = store.set("key", "2");
  const untilMs = performance.now() + 300;
  while (performance.now() < untilMs);
  await outcomeOf(async () => call);
  await store.close();
  await new Promise((resolve) => setImmediate(resolve));
  const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  await sleep(20);
  expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBeLessThanOrEqual(
    timers,
  );
});
