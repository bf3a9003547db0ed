import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { FullStore } from "@kv/core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { maxInFlight } from "../src/calls/lanes.ts";
import { type Disk, disks, type FileStatus, type FileSystem } from "../src/disk/file-system.ts";
import { newOwnerId } from "../src/ownership/owner-id.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { bundled } from "./bundled.ts";
import type { FencingData } from "./fencing-thread.ts";
import { HeldDisk, isCommit } from "./held-disk.ts";
import { ourDesign, storeOf } from "./mutants/mutated-store.ts";
import { lockOf, outcomeOf, storeIn, usedStoreIn } from "./stores.ts";
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
    const { directory, slow, one, resume } = await manyHeld();
    expect(await fenced({ directory, fenceBy: one, others: keys })).toBe(1 + keys.length);
    resume();
    for (const [at, outcome] of (await slow).entries()) {
      expect(outcome, keys[at]).toMatchObject({ value: { value: keys[at] === one ? 3 : 2 } });
    }
  });

  test("while its event loop stood still, goes on with all of them", async () => {
    const { directory, slow, one, resume } = await manyHeld();
    expect(await fenced({ directory, fenceBy: one, others: [] })).toBe(1);
    resume();
    for (const [at, outcome] of (await slow).entries()) {
      expect(outcome, keys[at]).toMatchObject({ value: { value: keys[at] === one ? 2 : 1 } });
    }
    const fresh = storeIn(
      { directory, durability: "none", timeout: "20s" },
      { heartbeatTimeoutMs: Number.POSITIVE_INFINITY },
    );
    for (const key of keys) expect((await fresh.increment(key)).value).toBe(key === one ? 3 : 2);
  });
});

/** Stands still until another thread has made its increments. Gives how many it has made. */
async function fenced(data: Omit<FencingData, "made">): Promise<number> {
  const made = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(thread, { workerData: { ...data, made } satisfies FencingData });
  onTestFinished(async () => void (await worker.terminate()));
  Atomics.wait(made, 0, 0, 120_000);
  return Atomics.load(made, 0);
}

/** Increments of many keys by one store, held up with their locks in hand. */
async function manyHeld(): Promise<{
  directory: string;
  slow: Promise<PromiseSettledResult<{ value: number }>[]>;
  /** A key whose lock is held. */
  one: string;
  resume: () => void;
}> {
  const directory = newDirectory(parent).path;
  await usedStoreIn(directory);
  const { disk, letGo } = heldSyncs();
  const store = storeIn({ directory, durability: "file", timeout: "2m" }, { disk });
  onTestFinished(letGo); // closing waits for what is under way
  const slow = Promise.allSettled(keys.map((key) => store.increment(key)));
  const lockedKeys = (): string[] => keys.filter((key) => existsSync(lockOf(directory, key)));
  await expect.poll(() => lockedKeys().length, { timeout: 60_000 }).toBe(maxInFlight.write);
  const [one = ""] = lockedKeys();
  return { directory, slow, one, resume: letGo };
}

/** A disk that is as quick as any, but for its syncs: they wait until they are let go. */
function heldSyncs(): { disk: Disk; letGo: () => void } {
  const { inline, pooled } = disks.local;
  let letGo = (): void => {};
  const free = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const sync = async (fd: number): Promise<void> => {
    await free;
    await pooled.sync(fd);
  };
  return { disk: { inline, pooled: { ...pooled, sync } }, letGo };
}

describe("S7 the lock of an owner that cannot be judged", () => {
  test("and that has been silent for long enough, is broken at the first look", async () => {
    const { directory, far, resume } = await silentHolder();
    const fresh = unknowing(directory, anHourLater(directory));
    expect((await fresh.increment("key")).value).toBe(42);
    resume();
    expect(await far).toMatchObject({ value: 43 });
  });

  test("and that has given a sign of life since, is respected: KV_TIMEOUT", async () => {
    const { directory, far, touch, resume } = await silentHolder();
    const disk = anHourLater(directory);
    await touch();
    const fresh = unknowing(directory, disk);
    expect(await outcomeOf(() => fresh.increment("key"))).toMatchObject({ code: "KV_TIMEOUT" });
    resume();
    expect(await far).toMatchObject({ value: 42 });
  });

  test("and that has taken it just now, is respected: KV_TIMEOUT", async () => {
    const { directory, far, resume } = await silentHolder();
    const fresh = unknowing(directory, disks.local);
    expect(await outcomeOf(() => fresh.increment("key"))).toMatchObject({ code: "KV_TIMEOUT" });
    resume();
    expect(await far).toMatchObject({ value: 42 });
  });
});

const hourMs = 3_600_000;

/** A store to which no other owner can be judged, half an hour of silence is enough, and that looks at a lock once. */
function unknowing(directory: string, disk: Disk): FullStore {
  const store = storeOf(
    ourDesign,
    directory,
    { disk, livenessOf: () => "unknown", heartbeatTimeoutMs: hourMs / 2 },
    "gives up",
  );
  onTestFinished(() => store.close());
  return store;
}

/** The disk, whose clock is moved on by an hour: what is changed from now on has times that are so much later. */
function anHourLater(directory: string): Disk {
  const probe = join(directory, "locks", "probe");
  const changedMs = (): number => {
    writeFileSync(probe, "");
    return statSync(probe).ctimeMs;
  };
  const beforeMs = changedMs();
  let fromMs = beforeMs;
  while (fromMs === beforeMs) fromMs = changedMs(); // the clock of a file system moves on in steps
  rmSync(probe);
  const moved = (files: FileSystem): FileSystem => ({
    ...files,
    statAt(path) {
      const status = files.statAt(path);
      return status instanceof Promise ? status.then(later) : later(status);
    },
  });
  const later = (status: FileStatus | undefined): FileStatus | undefined =>
    status === undefined || status.ctimeMs < fromMs
      ? status
      : Object.assign(status, { ctimeMs: status.ctimeMs + hourMs });
  const { inline, pooled } = disks.local;
  return { inline: moved(inline), pooled: moved(pooled) };
}

/** An owner that is held up with the lock of a key in its hand, and gives no sign of life but when it is told to. */
async function silentHolder(): Promise<{
  directory: string;
  far: Promise<unknown>;
  touch: () => Promise<void>;
  resume: () => void;
}> {
  const directory = newDirectory(parent).path;
  const neighbour = await usedStoreIn(directory);
  await neighbour.set("key", "41");
  const disk = new HeldDisk(isCommit);
  const silent = { ...disk.inline, touch: () => Promise.resolve() };
  let ownerId = "";
  const store = fileStoreIn(
    { directory, durability: "none", timeout: "10m" },
    {
      disk: { inline: silent, pooled: silent },
      newOwnerId(home) {
        const own = newOwnerId(home);
        ownerId ||= own;
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
    touch: async () => disks.network.inline.touch(join(directory, "owners", ownerId, "id")),
    resume: () => disk.release(),
  };
}

const mayUnshare = unshares();
const unproven = mayUnshare ? "" : " (unproven here: it takes root to make a process namespace)";

test.skipIf(!mayUnshare)(
  `S7 in a process namespace without a /proc of its own, a process that was killed blocks no other there for good${unproven}`,
  async () => {
    const directory = newDirectory(parent).path;
    const neighbour = await usedStoreIn(directory);
    await neighbour.set("key", "41");
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
    await expect.poll(() => readdirSync(join(directory, "locks")).length, { timeout: 60_000 }).toBe(1);
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
