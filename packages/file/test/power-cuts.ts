import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type FullStore, isStoreError } from "@kv/core";
import type { Durability } from "../src/ownership/environment.ts";
import { livenessOf, newOwnerId } from "../src/ownership/owner-id.ts";
import { fileStoreIn } from "../src/store/file-store.ts";
import { crashState, type Random, rebuild } from "./crash-states.ts";
import { countOf } from "./ledger.ts";
import { possibleStates, shown } from "./possible-states.ts";
import {
  counter,
  type History,
  nameOf,
  nowMs,
  paths,
  played,
  type Scenario,
  storeAt,
} from "./power-scenarios.ts";
import { type Mutation, RecordedDisk } from "./recorded-disk.ts";

export interface PowerCuts {
  readonly durability: Durability;
  /** A directory for those of the stores. */
  readonly parent: string;
  readonly random: Random;
  /** How many cuts are tried. */
  readonly cuts: number;
  readonly mutation?: Mutation;
}

export interface Tally {
  cuts: number;
  keys: number;
  corrupt: number;
}

interface Recording {
  readonly disk: RecordedDisk;
  readonly history: History;
  readonly ownerIds: ReadonlySet<string>;
}

/** Plays a scenario, cuts the power at some moments, and throws where a promise of the durability is broken. */
export async function survives(scenario: Scenario, options: PowerCuts, tally: Tally): Promise<void> {
  const { parent, durability, random, cuts } = options;
  const recording = await recorded(scenario, options);
  const { disk, history } = recording;
  for (let count = 0; count < cuts; count += 1) {
    const moments = history.moments;
    const cut =
      random() < 0.5
        ? (moments[Math.floor(random() * moments.length)] ?? 0)
        : Math.floor(random() * (disk.moment + 1));
    const path = `${parent}/${crypto.randomUUID()}`;
    rebuild(crashState(disk.root, cut, random), path);
    try {
      await check(recording, durability, cut, path, tally);
    } catch (error) {
      throw new Error(`durability ${durability}, cut at ${cut} of ${disk.moment}: ${String(error)}`, {
        cause: error,
      });
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
    tally.cuts += 1;
  }
}

async function recorded(scenario: Scenario, { parent, durability, mutation }: PowerCuts): Promise<Recording> {
  const path = mkdtempSync(`${parent}/recorded-`);
  const disk = new RecordedDisk(path, scenario.disk, mutation);
  const ownerIds = new Set<string>();
  const open = (): FullStore =>
    fileStoreIn(
      { directory: `${path}/data/kv`, durability, timeout: "10m" },
      {
        disk,
        now: () => nowMs,
        newOwnerId(home) {
          const ownerId = newOwnerId(home);
          ownerIds.add(ownerId);
          return ownerId;
        },
      },
    );
  const stores = [open(), open()];
  try {
    return { disk, ownerIds, history: await played(scenario, stores, disk) };
  } finally {
    for (const store of stores) await store.close();
    rmSync(path, { recursive: true, force: true });
  }
}

async function check(
  { history, ownerIds }: Recording,
  durability: Durability,
  cut: number,
  path: string,
  tally: Tally,
): Promise<void> {
  const directory = `${path}/data/kv`;
  const store = fileStoreIn(
    { directory, durability: "none", timeout: "20s" },
    {
      now: () => nowMs,
      heartbeatTimeoutMs: Number.POSITIVE_INFINITY,
      livenessOf: (owner) => (ownerIds.has(owner) ? "ended" : livenessOf(owner)),
    },
  );
  for (const [name, calls] of history.calls) {
    const state = await stateOf(store, name);
    const { durable, ever } = possibleStates(calls, cut);
    tally.keys += 1;
    if (state === "damaged") tally.corrupt += 1;
    const allowed = durability === "full" ? durable : ever;
    if (allowed.has(state) || (durability === "none" && state === "damaged")) continue;
    throw new Error(`${name} is ${state}, and should be ${Array.from(allowed).join(" or ")}`);
  }
  await nextCallsWork(store, history.calls.keys(), directory);
  await store.close();
}

async function stateOf(store: FullStore, name: string): Promise<string> {
  const [at, key] = located(store, name);
  try {
    const value = await at.get(key);
    const left = await at.expiresIn(key);
    if (value === undefined || left === undefined) return shown(undefined);
    const text = key === counter ? Buffer.from(value).toString() : `value ${countOf(value)}`;
    return shown({ text, expiresAtMs: nowMs + left * 1_000 });
  } catch (error) {
    if (isStoreError(error, "KV_CORRUPT")) return "damaged";
    throw error;
  }
}

/** Whatever was left: every kind of call does what it should, and no lock and no litter stays. */
async function nextCallsWork(store: FullStore, names: Iterable<string>, directory: string): Promise<void> {
  const news = paths.map((path) => nameOf(path, "new"));
  const all = new Set([...names, ...news]);
  for (const name of all) {
    const [at, key] = located(store, name);
    await at.set(key, "7", { expiresIn: "1h" });
    mustBe((await at.increment(key)).value, 8, `increment of ${name}`);
    mustBe(await at.touch(key, "2h"), true, `touch of ${name}`);
    mustBe(await at.compareAndSet(key, "8", "9"), true, `compareAndSet of ${name}`);
  }
  for (const name of news) {
    const [at, key] = located(store, name);
    const keys = await listed(at.keys());
    for (const each of keys) mustBe((await at.get(each))?.length, 1, `${each} in the namespace of ${name}`);
    mustBe(await at.delete(key), true, `delete of ${name}`);
    mustBe((await listed(at.keys())).length, keys.length - 1, `keys beside ${name}`);
  }
  await store.deleteExpired();
  for (const path of [`${directory}/locks`, `${directory}/trash`]) {
    if (existsSync(path)) mustBe(readdirSync(path).join(), "", path);
  }
  await store.deleteAll();
  for (const name of all) {
    const [at, key] = located(store, name);
    mustBe(await at.exists(key), false, `${name} after deleteAll`);
  }
}

function located(store: FullStore, name: string): [store: FullStore, key: string] {
  const [path = "", key = ""] = name.split(":");
  return [storeAt(store, path === "" ? [] : path.split("/")), key];
}

function mustBe(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} and not ${String(expected)}`);
}

async function listed(listing: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const each of listing) all.push(each);
  return all;
}
