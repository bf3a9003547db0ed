import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { type FullStore, isStoreError } from "@kv/core";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { lifeOf, newIdentity } from "../../src/identity.ts";
import { entryKey, layoutOf, placeOf } from "../../src/layout.ts";
import type { Surroundings } from "../../src/session.ts";
import { bundled } from "../bundled.ts";
import { HeldDisk, type Holds } from "../held-disk.ts";
import { companyIn } from "../places.ts";
import { newDirectory, newParent } from "../temporary.ts";
import { brokenDesigns, type Flaw } from "./broken-designs.ts";
import { type Design, ourDesign, storeOf } from "./mutated-store.ts";
import { leftAfterKills, type Scenario, type Step, textOf, wrongOrders } from "./two-owners.ts";

// Each broken design is caught by a test that ours passes.

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));
const limit = { timeout: 60_000 };

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

function scenario(beginning: Step, held: Step, other: Scenario["other"], life?: Scenario["life"]): Scenario {
  return { parent, beginning, held, other, ...(life !== undefined && { life }) };
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
    const company = await companyIn(directory.path);
    onTestFinished(() => company.close());
    const isRelease: Holds = ({ name, args }) => ["rename", "unlink"].includes(name) && args[0] === lock;
    const first = new HeldDisk(isRelease);
    const second = new HeldDisk(({ name, args }) => name === "rename" && args[1] === file);
    const stores = [
      storeOf(design, directory.path, { disk: first }),
      storeOf(design, directory.path, { disk: second, lifeOf: () => "unknown", stillMs: 1 }),
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
    const company = await companyIn(directory.path);
    onTestFinished(() => company.close());
    const dead = new HeldDisk(({ name, args }) => name === "rename" && args[1] === file);
    const breaker = new HeldDisk(({ name, args }) => name === "rename" && args[0] === lock);
    const second = new HeldDisk(({ name, args }) => name === "rename" && args[1] === file);
    const identities: string[] = [];
    const surroundings: Partial<Surroundings> = {
      lifeOf: (id) => (identities.includes(id) ? "ended" : lifeOf(id)),
    };
    const stores = [
      storeOf(design, directory.path, {
        disk: dead,
        newIdentity() {
          identities.push(newIdentity());
          return identities.at(-1) ?? "";
        },
      }),
      storeOf(design, directory.path, { ...surroundings, disk: breaker }),
      storeOf(design, directory.path, { ...surroundings, disk: second }, "gives up"),
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
  "whoever comes does not stop an owner that is alone",
  "A1 no increment is lost to one that comes",
  (design) => wrongOrders(design, { ...scenario(entry, increment, increment), isAlone: true }),
);

caught(
  "an owner that is alone renews without a lock",
  "T3 what others have seen expire does not come back",
  (design) =>
    wrongOrders(design, {
      ...scenario(entry, touch, async (store) => {
        await store.touch("key", { milliseconds: 1 });
        while (await store.exists("key"));
      }),
      isAlone: true,
    }),
);

caught(
  "an owner that renews may be alone",
  "T3 increment keeps what touch has acknowledged, though whoever stopped its owner has left",
  async (design) => {
    const directory = newDirectory(parent);
    const { file } = placesIn(directory.path);
    const renews = new HeldDisk(({ name }) => name === "write");
    const counts = new HeldDisk(({ name, args }) => name === "rename" && args[1] === file);
    const first = storeOf(design, directory.path, { disk: renews });
    await first.set("key", "41", { expiresIn: "1h" });
    renews.arm();
    const touched = first.touch("key", "3h");
    await renews.held; // it has taken the lock, and is about to write the expiry
    const second = storeOf(design, directory.path);
    await second.set("other", "1");
    await second.close();
    const third = storeOf(design, directory.path, { disk: counts }, "gives up");
    counts.arm();
    const counted = third.increment("key").catch(String);
    await Promise.race([counts.held, counted]); // it finds the lock, or has read the expiry and is about to count
    renews.release();
    expect(await touched).toBe(true);
    counts.release();
    await counted;
    const hours = Math.ceil(((await third.expiresIn("key")) ?? 0) / 3_600);
    for (const store of [first, third]) await store.close();
    return hours === 3 ? [] : [`${hours} hours are left`];
  },
);

caught(
  "an owner looks for others before it can be seen itself",
  "A1 of two that come at the same time one sees the other",
  async (design) => {
    const directory = newDirectory(parent);
    const { file } = placesIn(directory.path);
    const first = new HeldDisk(({ name, args }) => name === "makeDirectory" && isOwners(args[0]));
    const second = new HeldDisk(({ name, args }) => name === "rename" && args[1] === file);
    const stores = [
      storeOf(design, directory.path, { disk: first }),
      storeOf(design, directory.path, { disk: second }),
    ] as const;
    return await miscounted(stores, [first, second], async (counted) => {
      void counted(stores[0]);
      await first.held; // it is about to make its directory
      void counted(stores[1]);
      await second.held; // it is alone, and about to count
      first.release();
      await counted(stores[0]);
      second.release();
    });
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

/** Whether a path is in the folder where owners have their directories. */
function isOwners(path: unknown): boolean {
  return /\/data\/p\//.test(String(path));
}

function placesIn(directory: string): { lock: string; file: string } {
  const { data, locks } = layoutOf(directory);
  const { hash, path } = entryKey(placeOf(data, []), "key");
  return { lock: `${locks}/${hash}`, file: path };
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
