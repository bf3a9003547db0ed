import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { type FullStore, isStoreError } from "@kv/core";
import { afterAll, describe, expect, test } from "vitest";
import { entryKey, layoutOf, locateNamespace } from "../../src/format/layout.ts";
import type { Environment } from "../../src/ownership/environment.ts";
import { livenessOf, newOwnerId } from "../../src/ownership/owner-id.ts";
import { bundled } from "../bundled.ts";
import { HeldDisk, type Holds, isCommit, leadsTo } from "../held-disk.ts";
import { newDirectory, newParent } from "../temporary.ts";
import { brokenDesigns, type Flaw } from "./broken-designs.ts";
import { type Design, ourDesign, storeOf } from "./mutated-store.ts";
import { leftAfterKills, type Scenario, type Step, textOf, wrongOrders } from "./two-owners.ts";

// Each broken design is caught by a test that ours passes.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));
const limit = { timeout: 300_000 };

/** Runs the same on our design and on a broken one: which must be told from each other. */
function caught(name: Flaw, by: string, findings: (design: Design) => Promise<readonly unknown[]>): void {
  describe(name, () => {
    test(`${by}: ours does`, limit, async () => {
      expect(await findings(ourDesign)).toEqual([]);
    });
    test(`${by}: it does not`, limit, async () => {
      expect(await findings(brokenDesigns[name])).not.toEqual([]);
    });
  });
}

const entry: Step = (store) => store.set("key", "41", { expiresIn: "1h" });
const increment: Step = async (store) => (await store.increment("key")).value;
const set: Step = (store) => store.set("key", "50");
const touch: Step = (store) => store.touch("key", "3h");
const reap: Step = async (store) => void (await store.deleteExpired());
const expired: Step = async (store) => {
  await store.set("key", "41", { expiresIn: { milliseconds: 1 } });
  while (await store.exists("key"));
};

function scenario(
  beginning: Step,
  held: Step,
  other: Scenario["other"],
  liveness?: Scenario["liveness"],
): Scenario {
  return { parent, beginning, held, other, ...(liveness !== undefined && { liveness }) };
}

caught("set renames its file over the entry without a lock", "A1 increment and set have an order", (design) =>
  wrongOrders(design, scenario(entry, increment, set)),
);

caught("increment reads and renames without a lock", "A1 no increment is lost", (design) =>
  wrongOrders(design, scenario(entry, increment, increment)),
);

caught("renewal is a read, then a set", "T3 touch undoes no set", (design) =>
  wrongOrders(design, scenario(entry, touch, set)),
);

caught("renewal needs no lock", "T3 increment keeps what touch has acknowledged", (design) =>
  wrongOrders(design, scenario(entry, increment, touch)),
);

caught(
  "what has expired is unlinked after a look",
  "T6 deleteExpired never removes what was set meanwhile",
  (design) => wrongOrders(design, scenario(expired, reap, set)),
);

caught(
  "what has expired is renamed aside, looked at again and linked back",
  "T6 deleteExpired that is killed loses nothing that was set meanwhile",
  async (design) => {
    const left = await leftAfterKills(design, scenario(expired, reap, set));
    expect(left.length).toBeGreaterThan(10);
    return left.filter(
      (state) => JSON.stringify(state) !== JSON.stringify(["50", Number.POSITIVE_INFINITY, null, "none"]),
    );
  },
);

caught("deleteAll removes the tree where it is", "N5 deleteAll is one step for all that is in it", (design) =>
  wrongOrders(
    design,
    scenario(
      async (store) => {
        await store.set("key", "1");
        await store.set("other", "1");
      },
      (store) => store.deleteAll(),
      async (store) => {
        await store.set("key", "50");
        await store.set("other", "50");
      },
    ),
  ),
);

caught(
  "the lock of an owner that looks dead is broken, and the owner is not fenced",
  "A1 no increment is lost to an owner that was only held up",
  (design) => wrongOrders(design, scenario(entry, increment, increment, "unknown")),
);

caught(
  "an owner's directory is made again under the same name",
  "A3 an owner that was fenced deletes nothing that was set since",
  (design) =>
    wrongOrders(
      design,
      scenario(
        entry,
        (store) => store.compareAndDelete("key", "41"),
        async (store, held) => {
          await store.set("key", "50");
          await held.set("other", "1");
        },
        "unknown",
      ),
    ),
);

caught(
  "an owner lets a lock go by unlinking it, whoever holds it",
  "A1 an owner that was fenced lets no third one in",
  async (design) => {
    const directory = newDirectory(parent);
    const { lock, file } = placesIn(directory.path);
    const isRelease: Holds = ({ name, args }) => ["rename", "unlink"].includes(name) && args[0] === lock;
    const first = new HeldDisk(isRelease);
    const second = new HeldDisk(({ name, args }) => name === "rename" && leadsTo(args[1], file));
    const stores = [
      storeOf(design, directory.path, { disk: first }),
      storeOf(design, directory.path, { disk: second, livenessOf: () => "unknown", heartbeatTimeoutMs: 1 }),
      storeOf(design, directory.path, {}, "gives up"),
    ] as const;
    return await miscounted(stores, [first, second], async (counted) => {
      void counted(stores[0]);
      await first.held; // it has counted, and is about to let its lock go
      void counted(stores[1]);
      await second.held; // it has broken that lock, and is about to count
      first.release();
      await counted(stores[2]);
      second.release();
    });
  },
);

caught(
  "whoever finds a dead owner's lock removes it",
  "A1 of two that break a dead owner's lock one gets in",
  async (design) => {
    const directory = newDirectory(parent);
    const { lock, file } = placesIn(directory.path);
    const dead = new HeldDisk(({ name, args }) => name === "rename" && leadsTo(args[1], file));
    const breaker = new HeldDisk(({ name, args }) => name === "rename" && args[0] === lock);
    const second = new HeldDisk(({ name, args }) => name === "rename" && leadsTo(args[1], file));
    const ownerIds: string[] = [];
    const environment: Partial<Environment> = {
      livenessOf: (id) => (ownerIds.includes(id) ? "ended" : livenessOf(id)),
    };
    const stores = [
      storeOf(design, directory.path, {
        disk: dead,
        newOwnerId(home) {
          ownerIds.push(newOwnerId(home));
          return ownerIds.at(-1) ?? "";
        },
      }),
      storeOf(design, directory.path, { ...environment, disk: breaker }),
      storeOf(design, directory.path, { ...environment, disk: second }, "gives up"),
    ] as const;
    dead.arm();
    const killed = stores[0].increment("key").catch(String);
    await dead.held;
    dead.release(0);
    await killed;
    return await miscounted(stores, [breaker, second], async (counted) => {
      void counted(stores[1]);
      await breaker.held; // it has seen whose lock it is, and is about to remove it
      const third = counted(stores[2]);
      await Promise.race([second.held, third]); // where it breaks the lock too, it is about to count
      breaker.release();
      await waited(5);
      second.release();
    });
  },
);

caught(
  "a change is put in its place whoever has made the namespace since",
  "A1 an increment counts on from what is there, whatever a deleteAll removes meanwhile",
  async (design) => {
    const [key, neighbour] = inOneFolder();
    return await wrongOrders(design, {
      ...scenario(
        (store) => store.set(key, "41"),
        async (store) => (await store.increment(key)).value,
        async (store) => {
          await store.deleteAll();
          await store.set(neighbour, "1");
        },
      ),
      keys: [key, neighbour],
    });
  },
);

caught(
  "a lock is that of a live process before it is that of a fenced owner",
  "S7 what an owner that was fenced has locked is free",
  async (design) => {
    const { directory, release } = await heldWithTwoLocks();
    const observer = storeOf(design, directory, { livenessOf: () => "unknown", heartbeatTimeoutMs: 1 });
    await observer.increment("key");
    const findings = await refused(storeOf(design, directory, {}, "gives up"), "other");
    await release();
    await observer.close();
    return findings;
  },
);

caught(
  "a copied lock is as good as the one it was copied from",
  "N7 a copy of a directory in use is usable beside it",
  async (design) => {
    const { directory, release } = await heldWithTwoLocks();
    const copy = newDirectory(parent);
    cpSync(directory, copy.path, { recursive: true });
    const findings = await refused(storeOf(design, copy.path, {}, "gives up"), "key");
    await release();
    return findings;
  },
);

caught("the expiry is the file's mtime", "T1 a copy of the directory keeps the expiries", async (design) => {
  const directory = newDirectory(parent);
  const store = storeOf(design, directory.path);
  await store.set("key", "41", { expiresIn: "1h" });
  expect(textOf(await store.get("key"))).toBe("41");
  await store.close();
  const copy = newDirectory(parent);
  cpSync(directory.path, copy.path, { recursive: true, mode: 0 });
  await waited(5); // the clock of files is finer than that of expiries
  const copied = storeOf(design, copy.path);
  const found = textOf(await copied.get("key"));
  await copied.close();
  return found === "41" ? [] : [found];
});

describe("as many files are open as there are reads", () => {
  test.each(["bounded", "unbounded"])(
    "S7 500 reads at once with 64 descriptors: %s",
    limit,
    async (design) => {
      const directory = newDirectory(parent);
      const program = await bundled("mutants/descriptors-process.ts", parent);
      const command = 'ulimit -n 64 && exec "$0" "$@"';
      const child = spawnSync("sh", ["-c", command, process.execPath, program, directory.path, design], {
        encoding: "utf8",
      });
      expect(child).toMatchObject({ status: 0, stderr: "" });
      if (design === "bounded") expect(child.stdout).toBe("0");
      else expect(Number(child.stdout)).toBeGreaterThan(0);
    },
  );
});

/** How many increments were acknowledged, beside what the counter shows; nothing where they agree. */
async function miscounted(
  stores: readonly FullStore[],
  held: readonly HeldDisk[],
  work: (counted: (store: FullStore) => Promise<void>) => Promise<void>,
): Promise<string[]> {
  const calls: Promise<void>[] = [];
  let acknowledged = 0;
  for (const disk of held) disk.arm();
  await work((store) => {
    const call = store.increment("key").then(
      () => {
        acknowledged += 1;
      },
      (error: unknown) => {
        if (!isStoreError(error, "KV_TIMEOUT")) throw error; // it found the lock of one that lives
      },
    );
    calls.push(call);
    return call;
  });
  await Promise.all(calls);
  const counter = textOf((await stores.at(-1)?.get("key")) ?? undefined);
  for (const store of stores) await store.close();
  expect(acknowledged).toBeGreaterThan(0);
  return counter === `${acknowledged}` ? [] : [`${acknowledged} acknowledged, the counter is ${counter}`];
}

/** A store that is stopped while it increments two keys, with the locks of both in its hands. */
async function heldWithTwoLocks(): Promise<{ directory: string; release(): Promise<void> }> {
  const { path } = newDirectory(parent);
  let held = 0;
  const disk = new HeldDisk((call) => {
    if (isCommit(call)) held += 1;
    return isCommit(call);
  });
  const store = storeOf(ourDesign, path, { disk });
  await store.set("before", "1");
  disk.arm();
  const counted = ["key", "other"].map((key) => store.increment(key));
  while (held < counted.length) await waited(1);
  return {
    directory: path,
    async release() {
      disk.release();
      await Promise.all(counted);
      await store.close();
    },
  };
}

/** What an increment is refused with; nothing where it is done. */
async function refused(store: FullStore, key: string): Promise<string[]> {
  try {
    await store.increment(key);
    return [];
  } catch (error) {
    return [String(error)];
  } finally {
    await store.close();
  }
}

/** Two keys whose entries lie in the same folder. */
function inOneFolder(): [string, string] {
  const seen = new Map<string, string>();
  for (let at = 0; ; at += 1) {
    const { bucket } = entryKey(locateNamespace("", []), `${at}`);
    const other = seen.get(bucket);
    if (other !== undefined) return [other, `${at}`];
    seen.set(bucket, `${at}`);
  }
}

function placesIn(directory: string): { lock: string; file: string } {
  const { data, locks } = layoutOf(directory);
  const { hash, path } = entryKey(locateNamespace(data, []), "key");
  return { lock: `${locks}/${hash}`, file: path };
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
