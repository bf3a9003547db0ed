import { pbkdf2 } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type FullStore, isStoreError } from "@kv/core";
import { fileStore } from "@kv/file";
import { fileStoreIn } from "../src/store/file-store.ts";
import { leadsTo } from "./held-disk.ts";
import { HungDisk } from "./hung-disk.ts";

// Uses a store whose disk stops answering, and says what came of each call. In a process of its own, for it may hold
// all threads of the pool.

export interface Settled {
  /** What it resolved with as text, or the code that it rejected with; `late` where it did neither in time. */
  readonly outcome: string;
}

export interface Operated extends Settled {
  /** Whether the store is other than before, after the disk has answered again. */
  readonly isChanged: boolean;
}

export interface Operations {
  readonly operations: Readonly<Record<string, Operated>>;
  /** The calls that have reached the disk while it did not answer: name and paths. */
  readonly sent: readonly (readonly string[])[];
  /** Of what has nothing to do with that disk. */
  readonly others: Readonly<Record<string, Settled>>;
  readonly again: Settled;
}

export interface Many {
  readonly made: number;
  readonly outcomes: readonly string[];
  readonly sent: number;
  readonly waiting: number;
  readonly others: Readonly<Record<string, Settled>>;
  readonly closing: Settled;
  readonly again: Settled;
  /** Keys that were rejected as not done, and are there all the same. */
  readonly doneAllTheSame: number;
}

export interface Sent {
  readonly sent: Settled;
  readonly behind: Settled;
  readonly read: Settled;
  readonly other: Settled;
  /** What the key holds after the disk has answered again. */
  readonly value: string | undefined;
}

const [parent = "", scenario = "", entry = ""] = process.argv.slice(2);
const timeoutMs = 500;
const timeout = timeoutMs / 1_000;
/** How many beats a call may take: far more than its timeout and the patience that it has with the disk. */
const mostBeats = 70;
const beatMs = 50;
const directory = join(parent, "hung");
const environment = { disk: new HungDisk(parent), diskOf: () => "the disk that hangs" };
const { disk } = environment;
const store = fileStoreIn({ directory, durability: "none", disk: "network", timeout }, environment);
const beside = fileStore({ directory: join(parent, "beside"), disk: "network", timeout: "1m" });
const local = fileStore({ directory: join(parent, "local"), timeout: "1m" });

const reads: Readonly<Record<string, (store: FullStore, key: string) => Promise<unknown>>> = {
  get: (all, key) => all.get(key),
  exists: (all, key) => all.exists(key),
  expiresIn: (all, key) => all.expiresIn(key),
  getMany: (all, key) => all.getMany([key, "other"]),
  keys: (all) => drained(all.keys()),
  entries: (all) => drained(all.entries()),
  namespaces: (all) => drained(all.namespaces()),
};

const changes: typeof reads = {
  set: (all, key) => all.set(key, "new"),
  "set with keepExpiry": (all, key) => all.set(key, "new", { keepExpiry: true }),
  "set of a large value": (all, key) => all.set(key, "x".repeat(3_000_000)),
  touch: (all, key) => all.touch(key, "9h"),
  "get with renewFor": (all, key) => all.get(key, { renewFor: "9h" }),
  delete: (all, key) => all.delete(key),
  increment: (all, key) => all.increment(key),
  setIfAbsent: (all, key) => all.setIfAbsent(`${key}, new`, "new"),
  compareAndSet: (all, key) => all.compareAndSet(key, "41", "new"),
  compareAndDelete: (all, key) => all.compareAndDelete(key, "41"),
  take: (all, key) => all.take(key),
  setMany: (all, key) => all.setMany([[key, "new"]]),
  deleteMany: (all, key) => all.deleteMany([key]),
  "set in a new namespace": (all, key) => all.withNamespace("new").set(key, "new"),
  deleteAll: (all, key) => all.withNamespace(key).deleteAll(),
  deleteExpired: (all) => all.deleteExpired(),
};

const scenarios: Readonly<Record<string, () => Promise<Operations | Many | Sent>>> = {
  async operations() {
    const all = { ...reads, ...changes };
    for (const name of Object.keys(all)) {
      await untilDone(() => store.set(name, "41", { expiresIn: "2h" }));
      await untilDone(() => store.withNamespace(name).set("key", "41"));
    }
    const before = await states(Object.keys(all));
    disk.hang();
    const calls = Object.entries(all).map(
      async ([name, call]) => [name, await settled(() => call(store, name))] as const,
    );
    await sleep(100);
    const others = await othersSettled();
    const outcomes = await Promise.all(calls);
    const sent = disk.sent.map(({ name, args }) => [name, ...args.map(String)]);
    disk.answer();
    const again = await worksAgain();
    const after = await states(Object.keys(all));
    const operations = outcomes.map(([name, outcome]) => {
      return [name, { ...outcome, isChanged: after[name] !== before[name] }] as const;
    });
    return { operations: Object.fromEntries(operations), sent, others, again };
  },

  async many() {
    await untilDone(() => store.set("key", "41", { expiresIn: "2h" }));
    const closed = fileStoreIn({ directory, durability: "none", disk: "network", timeout }, environment);
    await untilDone(() => closed.set("key", "41"));
    disk.hang();
    const outcomes: [key: string, settled: Settled][] = [];
    for (let round = 0; round < 4; round += 1) {
      const calls = Array.from({ length: 30 }, async (_, number): Promise<[string, Settled]> => {
        const key = `key ${round} ${number}`;
        const made = [() => store.set(key, "1"), () => store.get(key), () => store.increment(key)];
        return [key, await settled(made[number % made.length] as () => Promise<unknown>)];
      });
      outcomes.push(...(await Promise.all(calls)));
    }
    const others = await othersSettled();
    const closing = await settled(() => closed.close());
    const { sent, waiting } = { sent: disk.sent.length, waiting: disk.waiting };
    disk.answer();
    const again = await worksAgain();
    await sleep(500);
    const there = await fileStore({ directory }).getMany(
      outcomes.filter(([, { outcome }]) => isNotDone(outcome)).map(([key]) => key),
    );
    return {
      made: outcomes.length,
      outcomes: Array.from(new Set(outcomes.map(([, { outcome }]) => outcome))),
      sent,
      waiting,
      others,
      closing,
      again,
      doneAllTheSame: there.filter((value) => value !== undefined).length,
    };
  },

  async sent() {
    await untilDone(() => store.set("key", "41"));
    disk.hang(({ name, args }) => name === "rename" && leadsTo(args[1], entry));
    let sent = settled(() => store.set("key", "42"));
    while (disk.sent.length === 0) {
      const early = await Promise.race([sent, sleep(1)]);
      if (early !== undefined) sent = settled(() => store.set("key", "42")); // the machine was too busy for it
    }
    const behind = settled(() => store.increment("key", { by: 100 }));
    const read = settled(async () => Buffer.from((await store.get("key")) ?? []).toString());
    const other = settled(async () => (await store.increment("other")).value);
    const [sentSettled, behindSettled, readSettled, otherSettled] = await Promise.all([
      sent,
      behind,
      read,
      other,
    ]);
    disk.answer();
    await worksAgain();
    await sleep(500);
    const value = await fileStore({ directory }).get("key");
    return {
      sent: sentSettled,
      behind: behindSettled,
      read: readSettled,
      other: otherSettled,
      value: value && Buffer.from(value).toString(),
    };
  },
};

await beside.set("key", "41");
await local.set("key", "41");
const result = await scenarios[scenario]?.();
process.stdout.write(JSON.stringify(result), () => process.exit());

/** What a call comes to in time. Time is counted in beats: one that a busy machine makes late is one all the same. */
async function settled(call: () => Promise<unknown>, beatsLeft = mostBeats): Promise<Settled> {
  const state = { isOver: false };
  const late = async (): Promise<string> => {
    for (let beats = 0; beats < beatsLeft && !state.isOver; beats += 1) await sleep(beatMs);
    return "late";
  };
  const outcome = await Promise.race([
    call().then(
      (value) => String(value),
      (error: unknown) => (isStoreError(error) ? error.code : String(error)),
    ),
    late(),
  ]);
  state.isOver = true;
  return { outcome };
}

/** Makes a call again where the machine was too busy for it. */
async function untilDone(call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (!isStoreError(error)) throw error;
    }
  }
}

async function othersSettled(): Promise<Record<string, Settled>> {
  const all: Record<string, () => Promise<unknown>> = {
    "set, disk network": () => beside.set("key", "x".repeat(200_000)),
    "increment, disk network": async () => (await beside.increment("count")).value,
    "set, disk local": () => local.set("key", "x".repeat(200_000)),
    "increment, disk local": async () => (await local.increment("count")).value,
    stat: async () => (await fs.promises.stat(parent)).isDirectory(),
    pbkdf2: async () => (await promisify(pbkdf2)("password", "salt", 10, 8, "sha256")).length,
  };
  const calls = Object.entries(all).map(
    async ([name, call]) => [name, await settled(call, 20 * mostBeats)] as const,
  );
  return Object.fromEntries(await Promise.all(calls));
}

async function worksAgain(): Promise<Settled> {
  const untilMs = performance.now() + 60_000;
  for (;;) {
    const outcome = await settled(async () => {
      await store.set("again", "1");
      return (await store.increment("again")).value;
    });
    if (outcome.outcome === "2" || performance.now() > untilMs) return outcome;
  }
}

/** What there is of each operation, as another store sees it when the first has come to rest. */
async function states(names: readonly string[]): Promise<Record<string, string>> {
  await sleep(500);
  const other = fileStore({ directory });
  const seen: Record<string, string> = {};
  for (const name of names) {
    const hours = ((await other.expiresIn(name)) ?? 0) / 3_600;
    seen[name] = [
      (await other.get(name))?.length,
      Math.round(hours),
      String(await other.get(name)).slice(0, 20),
      await other.exists(`${name}, new`),
      await other.withNamespace("new").exists(name),
      await other.withNamespace(name).exists("key"),
    ].join();
  }
  await other.close();
  return seen;
}

function isNotDone(outcome: string): boolean {
  return outcome === "KV_UNAVAILABLE" || outcome === "KV_TIMEOUT";
}

async function drained(listing: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of listing);
}
