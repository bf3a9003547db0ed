import { rmSync } from "node:fs";
import type { FullStore } from "@kv/core";
import type { FileStoreOptions } from "@kv/file";
import { afterAll, describe, expect, test } from "vitest";
import { type Disk, disks, type FileSystem } from "../src/disk/file-system.ts";
import { leadsTo } from "./held-disk.ts";
import { aroundEach, type DiskCall, errno } from "./injected-faults.ts";
import { fileOf, lockOf, outcomeOf, storeIn } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

// Over a network the reply to a call can get lost. The client then makes it again, and tells of what it finds: a rename
// that was done has no source any more (ENOENT), a link that was made stands in its own way (EEXIST).

const parent = newParent("memory");
afterAll(() => rmSync(parent, { recursive: true, force: true }));

/** Asked after every call to the disk that was done: an error that it gives is told in the place of the answer. */
type Loss = (call: DiskCall) => Error | undefined;

type DiskKind = Exclude<FileStoreOptions["disk"], undefined>;

function losingDisk(loses: Loss, kind: DiskKind): Disk {
  const { inline, pooled } = disks[kind];
  const losingLater = losing(pooled, loses);
  return { inline: inline === pooled ? losingLater : losing(inline, loses), pooled: losingLater };
}

function losing(files: FileSystem, loses: Loss): FileSystem {
  return aroundEach(files, (called, call) => {
    const told = <T>(answer: T): T => {
      const error = loses(called);
      if (error !== undefined) throw error;
      return answer;
    };
    const answer = call();
    return answer instanceof Promise ? answer.then(told) : told(answer);
  });
}

/** Those that end by giving an entry its file. */
const replacing: readonly {
  name: string;
  call: (store: FullStore) => Promise<unknown>;
  answer: unknown;
  value: string;
}[] = [
  { name: "set", call: (store) => store.set("key", "1"), answer: undefined, value: "1" },
  {
    name: "increment",
    call: async (store) => (await store.increment("key")).value,
    answer: 42,
    value: "42",
  },
  {
    name: "compareAndSet",
    call: (store) => store.compareAndSet("key", "41", "50"),
    answer: true,
    value: "50",
  },
  {
    name: "setIfAbsent",
    call: async (store) => {
      await store.delete("key");
      return await store.setIfAbsent("key", "50");
    },
    answer: true,
    value: "50",
  },
];

/** Those that end by taking it away. */
const removing: readonly { name: string; call: (store: FullStore) => Promise<unknown>; answer: unknown }[] = [
  { name: "delete", call: (store) => store.delete("key"), answer: true },
  { name: "compareAndDelete", call: (store) => store.compareAndDelete("key", "41"), answer: true },
  { name: "take", call: async (store) => textOf(await store.take("key")), answer: "41" },
];

describe.each(["local", "network"] as const)("S7 a rename whose reply was lost (ENOENT), disk %s", (kind) => {
  test.each(replacing)("$name counts once", async ({ call, answer, value }) => {
    const { directory, store, lost } = await prepared(kind, (entry) => ({
      isLost: ({ name, args }) => name === "rename" && leadsTo(args[1], entry),
    }));
    expect(await call(store)).toEqual(answer);
    expect(lost()).toBe(1);
    expect(textOf(await storeIn({ directory }).get("key"))).toBe(value);
    expect((await store.increment("other")).value).toBe(1);
  });

  test.each(removing)("$name counts once, or its outcome is unknown", async ({ call, answer }) => {
    const { directory, store, lost } = await prepared(kind, (entry) => ({
      isLost: ({ name, args }) => (name === "rename" || name === "unlink") && args[0] === entry,
    }));
    const outcome = await outcomeOf(() => call(store));
    expect(lost()).toBe(1);
    if (outcome !== answer) expect(outcome).toMatchObject({ code: "KV_OUTCOME_UNKNOWN" });
    expect(await storeIn({ directory }).exists("key")).toBe(false);
    expect((await store.increment("key")).value).toBe(1);
  });

  // A set may be made again: it does not depend on what was there.
  test.each(replacing.filter(({ name }) => name !== "set"))(
    "$name whose file another has removed since: the outcome is unknown, and it is not made again",
    async ({ call }) => {
      const { directory, store, lost } = await prepared(kind, (entry) => ({
        isLost: ({ name, args }) => name === "rename" && leadsTo(args[1], entry),
        before: () => rmSync(entry),
      }));
      expect(await outcomeOf(() => call(store))).toMatchObject({ code: "KV_OUTCOME_UNKNOWN" });
      expect(lost()).toBe(1);
      expect(await storeIn({ directory }).exists("key")).toBe(false);
      expect((await store.increment("key")).value).toBe(1);
    },
  );
});

describe.each(["local", "network"] as const)("S7 a lock, disk %s", (kind) => {
  test("whose reply was lost (EEXIST) is this owner's all the same", async () => {
    const { directory, store, lost } = await prepared(kind, () => ({
      isLost: ({ name }) => name === "link",
      code: "EEXIST",
    }));
    expect((await store.increment("key")).value).toBe(42);
    expect(lost()).toBe(1);
    expect((await unforgiving(directory).increment("key")).value).toBe(43);
  });

  test("that was let go, and the reply lost (ENOENT), is free", async () => {
    const { directory, store, lost } = await prepared(kind, (_, lock) => ({
      isLost: ({ name, args }) => name === "rename" && args[0] === lock,
    }));
    expect((await store.increment("key")).value).toBe(42);
    expect(lost()).toBe(1);
    expect((await unforgiving(directory).increment("key")).value).toBe(43);
    expect((await store.increment("key")).value).toBe(44);
  });
});

/** A store that no silence makes take a lock for free. */
function unforgiving(directory: string): FullStore {
  return storeIn({ directory, timeout: "20s" }, { heartbeatTimeoutMs: Number.POSITIVE_INFINITY });
}

interface Losing {
  readonly isLost: (call: DiskCall) => boolean;
  /** What another does before the call is told to have failed. */
  readonly before?: () => void;
  readonly code?: string;
}

/** A store with an entry, on a disk that loses the reply to one call. */
async function prepared(
  kind: DiskKind,
  losingOf: (entry: string, lock: string) => Losing,
): Promise<{ directory: string; store: FullStore; lost: () => number }> {
  const directory = newDirectory(parent).path;
  const { isLost, before, code = "ENOENT" } = losingOf(fileOf(directory, "key"), lockOf(directory, "key"));
  let lost = 0;
  let isPrepared = false;
  const disk = losingDisk((call) => {
    if (!isPrepared || lost > 0 || !isLost(call)) return undefined;
    lost += 1;
    before?.();
    return errno(code, call);
  }, kind);
  const store = storeIn({ directory, disk: kind, durability: "none" }, { disk });
  await store.set("key", "41");
  isPrepared = true;
  return { directory, store, lost: () => lost };
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString();
}
