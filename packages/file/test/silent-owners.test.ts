import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { FullStore } from "@kv/core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { fileStoreIn } from "../src/file-store.ts";
import { type Disk, disks } from "../src/files.ts";
import { newIdentity } from "../src/identity.ts";
import { bundled } from "./bundled.ts";
import type { FencingData } from "./fencing-thread.ts";
import { HeldDisk, isCommit } from "./held-disk.ts";
import { lockOf, outcomeOf, storeIn, usedStoreIn } from "./places.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent();
let held = "";
let thread = "";
let namespaced = "";
beforeAll(async () => {
  held = await bundled("held-process.ts", parent);
  thread = await bundled("fencing-thread.ts", parent);
  namespaced = await bundled("namespaced-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const keys = Array.from({ length: 40 }, (_, number) => `key ${number}`);

describe("S7 an owner with many locks that was fenced because of one", () => {
  test("blocks no other key, also for those by whom its process lives, and makes its changes once", async () => {
    const { directory, slow, one, goOn } = await manyHeld();
    expect(await fenced({ directory, fenceBy: one, others: keys })).toBe(1 + keys.length);
    goOn();
    for (const [at, outcome] of (await slow).entries()) {
      expect(outcome, keys[at]).toMatchObject({ value: { value: keys[at] === one ? 3 : 2 } });
    }
  });

  test("while its event loop stood still, goes on with all of them", async () => {
    const { directory, slow, one, goOn } = await manyHeld();
    expect(await fenced({ directory, fenceBy: one, others: [] })).toBe(1);
    goOn();
    for (const [at, outcome] of (await slow).entries()) {
      expect(outcome, keys[at]).toMatchObject({ value: { value: keys[at] === one ? 2 : 1 } });
    }
    const fresh = storeIn({ directory, durability: "none", timeout: "2s" });
    for (const key of keys) expect((await fresh.increment(key)).value).toBe(key === one ? 3 : 2);
  });
});

/** Stands still until another thread has made its increments. Gives how many it has made. */
async function fenced(data: Omit<FencingData, "made">): Promise<number> {
  const made = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(thread, { workerData: { ...data, made } satisfies FencingData });
  onTestFinished(async () => void (await worker.terminate()));
  Atomics.wait(made, 0, 0, 30_000);
  return Atomics.load(made, 0);
}

/** Increments of many keys by one store, held up with their locks in hand. */
async function manyHeld(): Promise<{
  directory: string;
  slow: Promise<PromiseSettledResult<{ value: number }>[]>;
  /** A key whose lock is held. */
  one: string;
  goOn: () => void;
}> {
  const directory = newDirectory(parent).path;
  await usedStoreIn(directory);
  const { disk, letGo } = heldSyncs();
  const store = storeIn({ directory, durability: "file", timeout: "5s" }, { disk });
  onTestFinished(letGo); // closing waits for what is under way
  const slow = Promise.allSettled(keys.map((key) => store.increment(key)));
  const lockedKeys = (): string[] => keys.filter((key) => existsSync(lockOf(directory, key)));
  for (let before = -1, stable = 0; stable < 10; ) {
    await sleep(10);
    const now = lockedKeys().length;
    stable = now === before && now > 0 ? stable + 1 : 0;
    before = now;
  }
  const [one = "", another] = lockedKeys();
  expect(another, "more than one lock is held").toBeDefined();
  return { directory, slow, one, goOn: letGo };
}

/** A disk that is as quick as any, but for its syncs: they wait until they are let go. */
function heldSyncs(): { disk: Disk; letGo: () => void } {
  const { now, later } = disks.local;
  let letGo = (): void => {};
  const free = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const sync = async (fd: number): Promise<void> => {
    await free;
    await later.sync(fd);
  };
  return { disk: { now, later: { ...later, sync } }, letGo };
}

describe("S7 the lock of an owner that cannot be judged", () => {
  test("and that has been silent for long enough, is broken at the first look", async () => {
    const { directory, far, goOn } = await silentHolder();
    await sleep(2_300);
    const fresh = unknowing(directory, 2_000);
    expect((await fresh.increment("key")).value).toBe(42);
    goOn();
    expect(await far).toMatchObject({ value: 43 });
  });

  test("and that has given a sign of life since, is respected: KV_TIMEOUT", async () => {
    const { directory, far, beat, goOn } = await silentHolder();
    await sleep(3_100);
    await beat();
    const fresh = unknowing(directory, 3_000);
    expect(await outcomeOf(() => fresh.increment("key"))).toMatchObject({ code: "KV_TIMEOUT" });
    goOn();
    expect(await far).toMatchObject({ value: 42 });
  });

  test("and that has taken it just now, is respected: KV_TIMEOUT", async () => {
    const { directory, far, goOn } = await silentHolder();
    const fresh = unknowing(directory, 60_000);
    expect(await outcomeOf(() => fresh.increment("key"))).toMatchObject({ code: "KV_TIMEOUT" });
    goOn();
    expect(await far).toMatchObject({ value: 42 });
  });
});

/** A store to which no other owner can be judged. */
function unknowing(directory: string, stillMs: number): FullStore {
  return storeIn({ directory, durability: "none", timeout: "300ms" }, { lifeOf: () => "unknown", stillMs });
}

/** An owner that is held up with the lock of a key in its hand, and gives no sign of life but when it is told to. */
async function silentHolder(): Promise<{
  directory: string;
  far: Promise<unknown>;
  beat: () => Promise<void>;
  goOn: () => void;
}> {
  const directory = newDirectory(parent).path;
  const company = await usedStoreIn(directory);
  await company.set("key", "41");
  const disk = new HeldDisk(isCommit);
  const silent = { ...disk.now, beat: () => Promise.resolve() };
  let identity = "";
  const store = fileStoreIn(
    { directory, durability: "none" },
    {
      disk: { now: silent, later: silent },
      newIdentity(home) {
        const own = newIdentity(home);
        identity ||= own;
        return own;
      },
    },
  );
  onTestFinished(() => store.close());
  onTestFinished(() => disk.release()); // closing waits for what is under way
  disk.arm();
  const far = outcomeOf(() => store.increment("key"));
  await disk.held;
  return {
    directory,
    far,
    beat: async () => disks.network.now.beat(join(directory, "owners", identity, "id")),
    goOn: () => disk.release(),
  };
}

const mayUnshare = unshares();
const unproven = mayUnshare ? "" : " (unproven here: it takes root to make a process namespace)";

test.skipIf(!mayUnshare)(
  `S7 in a process namespace without a /proc of its own, a process that was killed blocks no other there for good${unproven}`,
  async () => {
    const directory = newDirectory(parent).path;
    const company = await usedStoreIn(directory);
    await company.set("key", "41");
    const script = `"$0" "$1" "$3" & read line; kill -9 $!; wait $!; exec "$0" "$2" "$3"`;
    const shell = spawn(
      "unshare",
      ["--fork", "--pid", "--kill-child", "sh", "-c", script, process.execPath, held, namespaced, directory],
      { stdio: ["pipe", "pipe", "ignore"] },
    );
    onTestFinished(() => void shell.kill("SIGKILL"));
    let printed = "";
    shell.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    await expect.poll(() => readdirSync(join(directory, "locks")).length, { timeout: 30_000 }).toBe(1);
    shell.stdin.end("it holds the lock\n");
    await once(shell, "close");
    expect(printed).toBe("42");
  },
);

function unshares(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    execFileSync("unshare", ["--fork", "--pid", "--kill-child", "true"], { stdio: "ignore" });
    return true;
  } catch (error) {
    if (error instanceof Error && ("status" in error || "code" in error)) return false;
    throw error;
  }
}
