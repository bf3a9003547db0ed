import { readdirSync, rmSync } from "node:fs";
import { type FullStore, isStoreError } from "@kv/core";
import { type FileStoreOptions, fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import { afterAll, describe, expect, test } from "vitest";
import { livenessOf, newOwnerId } from "../src/ownership/owner-id.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { errno, faultyDisk } from "./injected-faults.ts";
import { newDirectory, newParent } from "./temporary.ts";

/** What is done while the disk fails, on a store that `prepare` has filled. */
const operations: Readonly<Record<string, (store: FullStore) => Promise<unknown>>> = {
  get: (store) => store.get("key"),
  "get of a large value": (store) => store.get("large"),
  exists: (store) => store.exists("key"),
  "get with renewFor": (store) => store.get("key", { renewFor: "3h" }),
  touch: (store) => store.touch("key", "3h"),
  "set of a new key": (store) => store.set("new", "41"),
  "set over an entry": (store) => store.set("key", "42"),
  "set with keepExpiry": (store) => store.set("key", "42", { keepExpiry: true }),
  "set of a large value": (store) => store.set("key", "x".repeat(3_000_000)),
  "set in a new namespace": (store) => store.withNamespace("child").withNamespace("deep").set("new", "41"),
  delete: (store) => store.delete("key"),
  increment: (store) => store.increment("key"),
  "increment of a new key": (store) => store.increment("new"),
  setIfAbsent: (store) => store.setIfAbsent("new", "41"),
  compareAndSet: (store) => store.compareAndSet("key", "41", "42"),
  compareAndDelete: (store) => store.compareAndDelete("key", "41"),
  take: (store) => store.take("key"),
  "take of a large value": (store) => store.take("large"),
  setMany: (store) =>
    store.setMany([
      ["key", "42"],
      ["new", "41"],
    ]),
  deleteAll: (store) => store.deleteAll(),
  deleteExpired: (store) => store.deleteExpired(),
  keys: (store) => listed(store.keys()),
  namespaces: (store) => listed(store.namespaces()),
};

/** An ordinary run tries those whose calls to the disk differ in kind. */
const tried = soak
  ? Object.keys(operations)
  : [
      "get",
      "touch",
      "set over an entry",
      "set of a large value",
      "set in a new namespace",
      "delete",
      "increment",
      "take",
      "setMany",
      "deleteAll",
      "deleteExpired",
      "keys",
    ];

const failures = ["ENOSPC", "EIO", "EMFILE", "kill"] as const;
type Failure = (typeof failures)[number];

/** Codes that say that nothing was changed. */
const notDone = ["KV_UNAVAILABLE", "KV_TIMEOUT", "KV_DENIED", "KV_FULL", "KV_READ_ONLY"] as const;

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const options: readonly Omit<FileStoreOptions, "directory">[] = soak
  ? [
      { durability: "full" },
      { durability: "file" },
      { durability: "none" },
      { durability: "full", disk: "network" },
    ]
  : [{ durability: "full" }];

describe.each(options)("S7 whichever call to the disk fails, with %o", (kind) => {
  describe.each(tried)("%s", (name) => {
    test.each(failures)("%s: what was acknowledged is there, and the next call works", async (failure) => {
      const untouched = await stateAfter(kind, undefined);
      const done = await stateAfter(kind, name);
      let failing = 1;
      while (await wasTried({ kind, name, failure, failing, untouched, done })) failing += 1;
      expect(failing).toBeGreaterThan(3); // there were calls to fail
    });
  });
});

interface Trial {
  readonly kind: Omit<FileStoreOptions, "directory">;
  readonly name: string;
  readonly failure: Failure;
  /** The number of the call that fails; with a kill all after it do too. */
  readonly failing: number;
  readonly untouched: string;
  readonly done: string;
}

/** Tries an operation with a fault. Gives whether there was one: an operation makes so many calls and no more. */
async function wasTried({ kind, name, failure, failing, untouched, done }: Trial): Promise<boolean> {
  const directory = newDirectory(parent);
  const all = { timeout: "20s", ...kind, directory: directory.path } as const;
  await prepare(all);
  const where = `${name}, ${failure} at call ${failing}`;
  let calls = 0;
  let failed = false;
  const ownerIds = new Set<string>();
  const faulty = fileStoreIn(all, {
    disk: faultyDisk((call) => {
      calls += 1;
      if (calls < failing || (failure !== "kill" && calls > failing)) return undefined;
      failed = true;
      return errno(failure === "kill" ? "KILLED" : failure, call);
    }, kind.disk),
    newOwnerId(home) {
      const ownerId = newOwnerId(home);
      ownerIds.add(ownerId);
      return ownerId;
    },
  });
  const outcome = await operations[name]?.(faulty).then(
    () => "done",
    (error: unknown) => error,
  );
  if (outcome !== "done") expect(isStoreError(outcome), `${where}: ${String(outcome)}`).toBe(true);
  if (!failed) {
    await faulty.close();
    directory.remove();
    return false;
  }

  const healthy = fileStoreIn(all, {
    livenessOf: (owner) => (failure === "kill" && ownerIds.has(owner) ? "ended" : livenessOf(owner)),
  });
  const state = await stateOf(healthy);
  const wasNotDone = notDone.some((code) => isStoreError(outcome, code));
  if (outcome === "done") expect(state, where).toBe(done);
  else if (wasNotDone && name !== "setMany") expect(state, where).toBe(untouched);
  else if (name !== "setMany") expect([untouched, done], where).toContain(state);

  // The next calls work, of the same store too where it lives.
  for (const store of failure === "kill" ? [healthy] : [faulty, healthy]) {
    await store.set("key", "7");
    expect((await store.increment("key")).value, where).toBe(8);
    expect(await store.compareAndSet("key", "8", "9"), where).toBe(true);
    expect(await store.delete("key"), where).toBe(true);
    await store.set("new", "1");
    await store.withNamespace("child").withNamespace("deep").set("new", "1");
  }
  if (failure !== "kill") await faulty.close();
  await healthy.deleteExpired();
  await healthy.close();
  expectNoLitter(directory.path, where);
  directory.remove();
  return true;
}

async function prepare(all: FileStoreOptions): Promise<void> {
  const store = fileStore({ ...all, durability: "none", disk: "local" });
  await store.set("kept", "acknowledged");
  await store.set("key", "41", { expiresIn: "1h" });
  await store.set("large", "y".repeat(200_000));
  await store.set("expired", "1", { expiresIn: { milliseconds: 1 } });
  while (await store.exists("expired"));
  await store.withNamespace("other").set("key", "acknowledged");
  await store.close();
}

/** What the store holds after an operation without a fault. */
async function stateAfter(
  kind: Omit<FileStoreOptions, "directory">,
  name: string | undefined,
): Promise<string> {
  const directory = newDirectory(parent);
  const all = { ...kind, directory: directory.path };
  await prepare(all);
  const store = fileStore(all);
  if (name !== undefined) await operations[name]?.(store);
  const state = await stateOf(store);
  await store.close();
  expectNoLocks(directory.path, name ?? "nothing");
  directory.remove();
  return state;
}

async function stateOf(store: FullStore): Promise<string> {
  const deep = store.withNamespace("child").withNamespace("deep");
  const seen: unknown[] = [];
  for (const [at, key] of [
    [store, "kept"],
    [store, "key"],
    [store, "large"],
    [store, "new"],
    [store, "expired"],
    [store.withNamespace("other"), "key"],
    [deep, "new"],
  ] as const) {
    const value = await at.get(key);
    const left = await at.expiresIn(key);
    seen.push([key, value && Buffer.from(value).toString().slice(0, 20), value?.length]);
    seen.push(left === undefined ? "none" : Math.round(left / 3_600)); // the clock may be set back meanwhile
  }
  return JSON.stringify(seen);
}

function expectNoLocks(directory: string, where: string): void {
  expect(readdirSync(`${directory}/locks`), `locks after ${where}`).toEqual([]);
}

function expectNoLitter(directory: string, where: string): void {
  expectNoLocks(directory, where);
  expect(readdirSync(`${directory}/trash`), `trash after ${where}`).toEqual([]);
  expect(readdirSync(`${directory}/owners`), `owners after ${where}`).toEqual([]);
}

async function listed(listing: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const each of listing) all.push(each);
  return all;
}
