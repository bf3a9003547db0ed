import type { Duration, FullStore } from "@kv/core";
import type { CaseContext, ContractCase, Need } from "../../contract/contract-case.ts";
import { type Checkpoint, resolutionMs } from "../../contract/test-clock.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import {
  expectEntries,
  expectSame,
  expectSameSet,
  expectTrue,
  expectValue,
  expectValues,
} from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { expiryWays } from "../shared/expiry-ways.ts";
import { expectLeft } from "./expiry-cases.ts";

/** What every operation must say of an entry that has expired, on a key of its own. */
const gone: Readonly<
  Record<string, { readonly needs?: readonly Need[]; readonly check: (store: FullStore) => Promise<void> }>
> = {
  get: { check: async (store) => expectValue(await store.get("key"), undefined, "get") },
  "get with renewFor": {
    async check(store) {
      expectValue(await store.get("key", { renewFor: "1h" }), undefined, "get with renewFor");
      expectValue(await store.get("key"), undefined, "get after get with renewFor");
    },
  },
  exists: { check: async (store) => expectSame(await store.exists("key"), false, "exists") },
  expiresIn: { check: async (store) => expectSame(await store.expiresIn("key"), undefined, "expiresIn") },
  touch: {
    async check(store) {
      expectSame(await store.touch("key", "1h"), false, "touch");
      expectValue(await store.get("key"), undefined, "get after touch");
    },
  },
  delete: { check: async (store) => expectSame(await store.delete("key"), false, "delete") },
  "set with keepExpiry": {
    async check(store) {
      await store.set("key", "new", { keepExpiry: true });
      expectValue(await store.get("key"), "new", "get");
      expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
    },
  },
  getMany: {
    needs: ["batch"],
    check: async (store) => expectValues(await store.getMany(["key"]), [undefined], "getMany"),
  },
  deleteMany: {
    needs: ["batch"],
    check: async (store) => expectSame(await store.deleteMany(["key"]), 0, "deleteMany"),
  },
  "setMany with keepExpiry": {
    needs: ["batch"],
    async check(store) {
      await store.setMany([["key", "new"]], { keepExpiry: true });
      expectValue(await store.get("key"), "new", "get");
      expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
    },
  },
  increment: {
    needs: ["atomic"],
    async check(store) {
      const { value, expiresIn } = await store.increment("key");
      expectSame(value, 1, "the value of increment");
      expectSame(expiresIn, Number.POSITIVE_INFINITY, "the expiresIn of increment");
    },
  },
  setIfAbsent: {
    needs: ["atomic"],
    async check(store) {
      expectSame(await store.setIfAbsent("key", "new"), true, "setIfAbsent");
      expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
    },
  },
  compareAndSet: {
    needs: ["atomic"],
    async check(store) {
      expectSame(await store.compareAndSet("key", "41", "new"), false, "compareAndSet");
      expectValue(await store.get("key"), undefined, "get");
    },
  },
  compareAndDelete: {
    needs: ["atomic"],
    check: async (store) => expectSame(await store.compareAndDelete("key", "41"), false, "compareAndDelete"),
  },
  take: {
    needs: ["atomic"],
    async check(store) {
      expectValue(await store.take("key"), undefined, "take");
      expectSame(await store.setIfAbsent("key", "new"), true, "setIfAbsent after take");
    },
  },
  keys: {
    needs: ["listing"],
    check: async (store) => expectSameSet(await collect(store.keys()), [], "keys"),
  },
  "keys with a prefix": {
    needs: ["listing"],
    check: async (store) => expectSameSet(await collect(store.keys({ prefix: "k" })), [], "keys"),
  },
  entries: {
    needs: ["listing"],
    check: async (store) => expectEntries(await collectEntries(store.entries()), new Map(), "entries"),
  },
};

/** T1, T5: when an entry is gone. */
export const timeCases: readonly ContractCase[] = [
  ...Object.entries(gone).map(
    ([operation, { needs = [], check }]): ContractCase => ({
      rule: "T1",
      title: `an expired entry is gone for ${operation}`,
      needs,
      waits: true,
      async run({ store, clock }) {
        await store.set("key", "41", { expiresIn: { milliseconds: clock.shortMs } });
        await clock.checkpoint().until(clock.shortMs + resolutionMs);
        await check(store);
      },
    }),
  ),
  ...Object.entries(expiryWays).map(
    ([way, { needs = [], replaces, prepare, give }]): ContractCase => ({
      rule: replaces === "T3" || replaces === "A3" ? replaces : "T1",
      title: `an expiry given by ${way} comes neither early nor late`,
      needs,
      waits: true,
      async run(context) {
        const { store, clock } = context;
        // Whole seconds, or none at all, would not do.
        for (const lifeMs of clock.isFake ? [250, clock.shortMs + 250] : [clock.shortMs]) {
          const key = `${lifeMs} ms`;
          await prepare?.(store, key);
          const before = clock.checkpoint();
          await give(store, key, { milliseconds: lifeMs });
          await expectGoneInTime(context, key, before, clock.checkpoint(), lifeMs);
        }
      },
    }),
  ),
  {
    rule: "T1",
    title: "an entry outlives an expiry that was replaced or taken away",
    waits: true,
    async run({ store, clock }) {
      const expiresIn = { milliseconds: clock.shortMs };
      for (const key of ["set", "later", "deleted"]) await store.set(key, "old", { expiresIn });
      await store.set("set", "new");
      await store.set("later", "new", { expiresIn: "30d" });
      await store.delete("deleted");
      await store.set("deleted", "new");
      await clock.checkpoint().until(clock.shortMs + resolutionMs);
      await clock.sleep(5);
      for (const key of ["set", "later", "deleted"]) {
        expectValue(await store.get(key), "new", `get(${inspect(key)}) after its old expiry`);
      }
    },
  },
  {
    rule: "T1",
    title: "an entry without expiry stays",
    waits: true,
    async run({ store, clock }) {
      await store.set("key", "value");
      await clock.checkpoint().until(clock.shortMs * 3);
      expectValue(await store.get("key"), "value", "get");
      expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
    },
  },
  {
    rule: "T1",
    title: "an expiry less than a second long, or with a fraction of one, is kept to the millisecond",
    async run({ store, clock }) {
      for (const ms of [1_500, 61_999, 3_600_001]) {
        const before = clock.checkpoint();
        await store.set("key", "value", { expiresIn: { milliseconds: ms } });
        await expectLeft(store, "key", ms / 1_000, before);
      }
    },
  },
  {
    rule: "T5",
    title: "durations in every spelling are taken for what they say",
    async run({ store, clock }) {
      const spelled: readonly (readonly [Duration, seconds: number])[] = [
        [90, 90],
        [90.25, 90.25],
        ["90000ms", 90],
        ["90s", 90],
        ["1.5m", 90],
        ["15m", 900],
        ["2h", 7_200],
        ["7d", 604_800],
        [{ minutes: 1, seconds: 30 }, 90],
        [{ hours: 1, minutes: 30, milliseconds: 250 }, 5_400.25],
        [{ weeks: 1, days: 1 }, 691_200],
        [{ milliseconds: 90_000 }, 90],
      ];
      for (const [expiresIn, seconds] of spelled) {
        const before = clock.checkpoint();
        await store.set("key", "value", { expiresIn });
        await expectLeft(store, "key", seconds, before);
      }
    },
  },
  {
    rule: "T5",
    title: "Infinity means no expiry",
    async run({ store }) {
      await store.set("key", "value", { expiresIn: "1h" });
      await store.set("key", "value", { expiresIn: Number.POSITIVE_INFINITY });
      expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
    },
  },
  {
    rule: "T5",
    title: "fractions of a millisecond round up, never to nothing",
    waits: true,
    async run({ store, clock }) {
      for (const seconds of [0.000_1, 0.001, 1e-9]) {
        await store.set("key", "value", { expiresIn: seconds });
        await clock.checkpoint().until(1 + resolutionMs);
        expectValue(await store.get("key"), undefined, `get, ${seconds} s over`);
      }
    },
  },
];

/**
 * Looks at an entry as its time goes by. On a machine that stalls it may be seen late: so absence is held against
 * the longest time that can have passed since before it was set, and presence only against its end.
 */
export async function expectGoneInTime(
  { store, clock }: CaseContext,
  key: string,
  before: Checkpoint,
  after: Checkpoint,
  lifeMs: number,
): Promise<void> {
  const looks = clock.isFake ? [0, lifeMs / 2, lifeMs - 60_000, lifeMs - 2] : [0, lifeMs / 2, lifeMs - 5];
  for (const atMs of looks) {
    await after.until(atMs);
    const there = await store.exists(key);
    const passedMs = before.atMostMs();
    expectTrue(
      there || passedMs >= lifeMs - resolutionMs,
      `${inspect(key)} there until its ${lifeMs} ms are over`,
      `it was gone after at most ${passedMs} ms`,
    );
  }
  await after.until(lifeMs + resolutionMs);
  const what = `exists(${inspect(key)}), ${lifeMs + resolutionMs} ms after its expiry was set`;
  expectSame(await store.exists(key), false, what);
}
