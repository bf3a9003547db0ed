import { readdirSync } from "node:fs";
import type { Timer } from "@kv/core/driver";
import { replaceTime } from "@kv/core/testing";
import type { FileStoreOptions } from "@kv/file";
import { functionsEntered, promisesMade } from "@kv/test-support";
import { expect, onTestFinished, test } from "vitest";
import { disks } from "../src/disk/file-system.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { faultyDisk } from "./injected-faults.ts";
import { nextTurn } from "./recorded-disk.ts";
import { newDirectory } from "./temporary.ts";

// What a call costs, counted in what does not vary with the machine.

const reading = ["open", "read", "close"];
const staging = ["open", "write", "close"];
const locking = ["link"];
const releasing = ["rename"];

test("a value is read by three calls of the system, a miss costs one", async () => {
  const { store, asked } = await counted();
  await store.set("k", "v");
  expect(await asked(() => store.get("k"))).toEqual(reading);
  expect(await asked(() => store.exists("k"))).toEqual(reading);
  expect(await asked(() => store.get("missing"))).toEqual(["open"]);
  expect(await asked(() => store.get("missing too"))).toEqual(["statAt"]); // quicker than an open that fails
  expect(await asked(() => store.get("k"))).toEqual(["statAt", ...reading]);
  expect(await asked(() => store.get("k"))).toEqual(reading);
});

test("a large value is opened twice: to see that it is large, and to read it piece by piece", async () => {
  const { store, asked } = await counted();
  await store.set("large", new Uint8Array(200_000));
  const asks = await asked(() => store.get("large"));
  expect(asks.filter((name) => name === "open")).toHaveLength(2);
});

test("a value is written by six, none of which waits for the disk unless that is asked for", async () => {
  const { store, asked } = await counted();
  await store.set("k", "v");
  expect(await asked(() => store.set("k", "w"))).toEqual([...staging, ...locking, "rename", ...releasing]);
  while ((await asked(() => store.increment("count"))).includes("makeDirectory")); // its folder, the first time
  expect(await asked(() => store.increment("count"))).toEqual([
    ...locking,
    ...reading,
    ...staging,
    "rename",
    ...releasing,
  ]);

  const durable = await counted("full");
  await durable.store.set("k", "v");
  const asks = await durable.asked(() => durable.store.set("k", "w"));
  expect(asks.filter((name) => name === "sync")).toHaveLength(2); // the file and its directory
});

test("a renewal opens the entry once, and takes a lock only where there is an expiry to be moved", async () => {
  const { store, asked } = await counted();
  await store.set("k", "v", { expiresIn: "1h" });
  await store.set("never", "v");
  for (const call of [() => store.touch("k", "2h"), () => store.get("k", { renewFor: "3h" })]) {
    expect(await asked(call)).toEqual([
      "open",
      "read",
      ...locking,
      "read",
      "write",
      "stat",
      "close",
      ...releasing,
    ]);
  }
  expect(await asked(() => store.touch("never", "1h"))).toEqual(reading);
  expect(await asked(() => store.touch("missing", "1h"))).toEqual(["open"]);
});

test("however many calls come into a namespace at once, one generation is made there", async () => {
  const { path: directory } = newDirectory();
  const store = fileStoreIn({ directory, durability: "none", disk: "network" }, {});
  await Promise.all(Array.from({ length: 100 }, (_, at) => store.set(`${at}`, "v")));
  expect(readdirSync(`${directory}/data`).filter((name) => name.startsWith("g-"))).toHaveLength(1);
  await store.close();
});

test("what is answered at once costs one promise", async () => {
  const { store } = await counted();
  await store.set("k", "v");
  for (const call of [() => store.get("k"), () => store.get("missing"), () => store.set("k", "w")]) {
    await nextTurn(); // a turn of the event loop for itself
    expect(await promisesMade(call)).toBe(1);
  }
});

test("a warm call enters so many functions of this package, and no more", async () => {
  const stopped = replaceTime({ monotonicMs: () => 0, setTimeout: () => 0 as unknown as Timer });
  onTestFinished(() => stopped[Symbol.dispose]());
  const { inline, pooled } = disks.local;
  const sync = async (fd: number): Promise<void> => {
    // Later than the next turn of the event loop, however quick the disk is.
    for (let turns = 0; turns < 3; turns += 1) await nextTurn();
    await pooled.sync(fd);
  };
  const directory = newDirectory();
  const store = fileStoreIn({ directory: directory.path }, { disk: { inline, pooled: { ...pooled, sync } } });
  onTestFinished(async () => {
    await store.close();
    directory.remove();
  });
  const calls = {
    get: () => store.get("k"),
    set: () => store.set("k", "w", { expiresIn: "1h" }),
    renewal: () => store.get("k", { renewFor: "2h" }),
  };
  for (let round = 0; round < 40; round += 1)
    for (const call of [calls.set, calls.renewal, calls.get]) await call();
  // A generator counts when it is made, when it begins and when it goes on.
  const most = { get: 21, set: 170, renewal: 130 };
  for (const [name, call] of Object.entries(calls)) {
    for (let turns = 0; turns < 3; turns += 1) await nextTurn();
    const entered = await functionsEntered("file", call);
    expect(entered.length, `${name}\n${entered.join("\n")}`).toBeLessThanOrEqual(
      most[name as keyof typeof most],
    );
  }
});

async function counted(durability: FileStoreOptions["durability"] = "none"): Promise<{
  store: ReturnType<typeof fileStoreIn>;
  asked(call: () => Promise<unknown>): Promise<string[]>;
}> {
  const names: string[] = [];
  const disk = faultyDisk(({ name }) => {
    names.push(name);
    return undefined;
  });
  const directory = newDirectory();
  const store = fileStoreIn({ directory: directory.path, durability }, { disk });
  onTestFinished(async () => {
    await store.close();
    directory.remove();
  });
  return {
    store,
    async asked(call) {
      names.length = 0;
      await call();
      return names;
    },
  };
}
