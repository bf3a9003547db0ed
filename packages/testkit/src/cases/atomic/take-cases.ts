import { type FullStore, isStoreError, json, typed } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { textOf } from "../../model/key-call.ts";
import { expectRejects, expectSame, expectSameSet, expectValue } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { concurrently, storeOf } from "../shared/concurrently.ts";

/** A4: get and delete in one step. */
export const takeCases: readonly ContractCase[] = [
  {
    rule: "A4",
    title: "take gives the value and removes the entry, with its expiry",
    needs: ["atomic"],
    async run({ store }) {
      expectValue(await store.take("key"), undefined, "take of what was never set");
      for (const value of ["value", "", Uint8Array.of(0xff, 0)]) {
        await store.set("key", value, { expiresIn: "1h" });
        await store.set("other", "kept", { expiresIn: "1h" });
        expectValue(await store.take("key"), value, "take");
        expectSame(await store.exists("key"), false, "exists after take");
        expectValue(await store.get("key"), undefined, "get after take");
        expectSame(await store.touch("key", "1h"), false, "touch after take");
        expectValue(await store.take("key"), undefined, "a second take");
        expectValue(await store.get("other"), "kept", "get of another entry");
        await store.set("key", "new", { keepExpiry: true });
        expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn after take and set");
      }
      await store.set("count", "41");
      expectValue(await store.take("count"), "41", "take of a counter");
      expectSame((await store.increment("count")).value, 1, "increment after take");
    },
  },
  ...concurrently({
    rule: "A4",
    title: "of many takes exactly one gets the value",
    needs: ["atomic"],
    async run(stores) {
      for (let round = 0; round < 12; round += 1) {
        const key = `round ${round % 3}`;
        await stores[0].set(key, `value ${round}`, round % 2 === 0 ? {} : { expiresIn: "1h" });
        const takes = inFlight(Array.from({ length: 12 }, async (_, at) => storeOf(stores, at).take(key)));
        const taken = (await Promise.all(takes)).filter((value) => value !== undefined);
        expectSame(taken.length, 1, "how many got a value");
        expectValue(taken[0], `value ${round}`, "what it got");
        expectSame(await stores[1].exists(key), false, "exists");
      }
    },
  }),
  ...concurrently({
    rule: "A4",
    title: "beside setIfAbsent, compareAndSet and compareAndDelete nothing is taken twice, and nothing lost",
    needs: ["atomic"],
    async run(stores) {
      const put: string[] = [];
      const gone: string[] = [];
      const changers = inFlight(
        Array.from({ length: 8 }, async (_, at) => {
          for (let step = 0; step < 20; step += 1) {
            await changes[at % changes.length]?.(storeOf(stores, at >> 1), `${at} ${step}`, put, gone);
          }
        }),
      );
      await Promise.all(changers);
      const left = textOf(await stores[1].take("key"));
      expectSameSet(left === undefined ? gone : [...gone, left], put, "what was taken, replaced or left");
    },
  }),
  {
    rule: "A4",
    title: "take of a damaged entry is KV_CORRUPT and leaves it, until a set heals it",
    needs: ["damage", "atomic"],
    rootOnly: true,
    async run({ store, damage }) {
      await store.set("key", "a value of some length");
      await damage("key");
      for (let round = 0; round < 2; round += 1) {
        await expectRejects(() => store.take("key"), "KV_CORRUPT", "take");
        await expectRejects(() => store.get("key"), "KV_CORRUPT", "get after take");
      }
      await store.set("key", "healed");
      expectValue(await store.take("key"), "healed", "take after set");
      expectSame(await store.exists("key"), false, "exists after take");
    },
  },
  {
    rule: "A4",
    title: "take of an entry that its codec refuses is KV_INVALID_VALUE and leaves it",
    needs: ["atomic"],
    async run({ store }) {
      const view = typed(store, json<{ count: number }>());
      await view.set("key", { count: 1 });
      await store.set("foreign", "no JSON");
      await expectRejects(() => view.take("foreign"), "KV_INVALID_VALUE", "take of a typed view");
      expectValue(await store.get("foreign"), "no JSON", "get after take");
      const take = async (): Promise<{ count: number } | undefined> => {
        try {
          return await view.take("key");
        } catch (error) {
          if (!isStoreError(error, "KV_TIMEOUT")) throw error;
          return await view.take("key"); // where a call takes seconds, the view has no time for a second try
        }
      };
      const [one, two] = await Promise.all([take(), take()]);
      expectSame(JSON.stringify(one ?? two), '{"count":1}', "what take of a typed view gives");
      expectSame(one === undefined || two === undefined, true, "one of two takes gives nothing");
    },
  },
];

/** Changes of one entry, which say what they have put there and what they have taken away. */
type Change = (store: FullStore, value: string, put: string[], gone: string[]) => Promise<void>;

const changes: readonly Change[] = [
  async (store, value, put) => {
    if (await store.setIfAbsent("key", value)) put.push(value);
  },
  async (store, _, __, gone) => {
    const taken = textOf(await store.take("key"));
    if (taken !== undefined) gone.push(taken);
  },
  async (store, value, put, gone) => {
    const found = textOf(await store.get("key"));
    if (found === undefined || !(await store.compareAndSet("key", found, value))) return;
    gone.push(found);
    put.push(value);
  },
  async (store, _, __, gone) => {
    const found = textOf(await store.get("key"));
    if (found !== undefined && (await store.compareAndDelete("key", found))) gone.push(found);
  },
];
