import { StoreError } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectRejects, expectSame, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { callsWithKey } from "../shared/calls-by-argument.ts";
import { expectFailure, wasNotDone } from "../shared/failure.ts";

/** S7: what could not be carried out rejects, and damage is told as damage. */
export const failureCases: readonly ContractCase[] = [
  ...callsWithKey.map(
    ({ by, needs, calls }): ContractCase => ({
      rule: "S7",
      title: `while the backend fails every call rejects${by}, and none passes for done or for a miss`,
      needs: ["fail", ...needs],
      async run({ store, fail }) {
        await store.set("kept", "before");
        await store.set("key", "before");
        const recover = await fail();
        for (const [method, call] of Object.entries(calls)) {
          await expectFailure(() => call(store, "key"), method);
          await expectFailure(() => call(store, "missing"), `${method} of what is not there`);
        }
        await recover();
      },
    }),
  ),
  {
    rule: "S7",
    title: "while the backend fails deleteAll rejects, and nothing is deleted",
    needs: ["fail"],
    async run({ store, fail }) {
      await store.set("key", "before");
      const recover = await fail();
      const error = await expectFailure(() => store.deleteAll(), "deleteAll");
      await recover();
      if (wasNotDone(error))
        expectValue(await store.get("key"), "before", "get after the backend works again");
    },
  },
  {
    rule: "S7",
    title: "while the backend fails listings reject, and do not end as if that were all",
    needs: ["fail", "listing"],
    async run({ store, fail }) {
      await store.set("key", "value");
      const recover = await fail();
      await expectFailure(() => collect(store.keys()), "keys");
      await expectFailure(() => collect(store.keys({ prefix: "k" })), "keys with a prefix");
      await expectFailure(() => collectEntries(store.entries()), "entries");
      await expectFailure(() => collectEntries(store.entries({ prefix: "none" })), "entries with a prefix");
      await expectFailure(() => collect(store.namespaces()), "namespaces");
      await recover();
      expectSame((await collect(store.keys())).join(), "key", "keys after the backend works again");
    },
  },
  {
    rule: "S7",
    title: "where the backend fails in the middle of entries they reject, and do not end as if that were all",
    needs: ["fail", "listing"],
    async run({ store, fail }) {
      const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`);
      for (const key of keys) await store.set(key, "value");
      const entries = store.entries()[Symbol.asyncIterator]();
      await entries.next();
      const recover = await fail();
      let count = 1;
      const rest = async (): Promise<void> => {
        while ((await entries.next()).done !== true) count += 1;
        // What was read before may still come.
        if (count === keys.length) throw new StoreError("KV_UNAVAILABLE", "that was all.");
      };
      await expectFailure(rest, `entries, of which ${keys.length} are there`);
      await recover();
    },
  },
  {
    rule: "S7",
    title: "after a failure the store works again, and what was rejected as not done is not done later",
    needs: ["fail"],
    async run({ store, fail, clock }) {
      await store.set("set", "before");
      await store.set("deleted", "before");
      const recover = await fail();
      const errors = {
        set: await expectFailure(() => store.set("set", "after"), "set"),
        deleted: await expectFailure(() => store.delete("deleted"), "delete"),
        new: await expectFailure(() => store.set("new", "after"), "set of a new key"),
      };
      await recover();
      for (let look = 0; look < 2; look += 1) {
        if (wasNotDone(errors.set))
          expectValue(await store.get("set"), "before", "get of what could not be set");
        if (wasNotDone(errors.deleted))
          expectValue(await store.get("deleted"), "before", "get of what could not be deleted");
        if (wasNotDone(errors.new))
          expectValue(await store.get("new"), undefined, "get of what could not be added");
        await clock.sleep(100); // what waits in a queue comes late
      }
      await store.set("set", "at last");
      expectValue(await store.get("set"), "at last", "get after the backend works again");
    },
  },
  {
    rule: "S7",
    title: "a take that was rejected as not done leaves the value, for one later take",
    needs: ["fail", "atomic"],
    async run({ store, fail, clock }) {
      await store.set("key", "value");
      const recover = await fail();
      const error = await expectFailure(() => store.take("key"), "take");
      await recover();
      if (!wasNotDone(error)) return;
      await clock.sleep(100); // what waits in a queue comes late
      expectValue(await store.take("key"), "value", "take after the backend works again");
      expectValue(await store.take("key"), undefined, "a second take");
    },
  },
  {
    rule: "S7",
    title: "a damaged entry is KV_CORRUPT, a set heals it and a delete removes it",
    needs: ["damage"],
    rootOnly: true,
    async run({ store, damage }) {
      for (const key of ["healed", "deleted", "other"]) await store.set(key, "a value of some length");
      await damage("healed");
      await damage("deleted");
      for (const key of ["healed", "deleted"]) {
        await expectRejects(() => store.get(key), "KV_CORRUPT", `get(${inspect(key)})`);
        await expectRejects(
          () => store.get(key, { renewFor: "1h" }),
          "KV_CORRUPT",
          `get(${inspect(key)}) with renewFor`,
        );
      }
      expectValue(await store.get("other"), "a value of some length", "get of an undamaged entry");
      await store.set("healed", "again");
      expectValue(await store.get("healed"), "again", "get after set");
      await store.delete("deleted");
      expectValue(await store.get("deleted"), undefined, "get after delete");
      expectSame(await store.exists("deleted"), false, "exists after delete");
    },
  },
  {
    rule: "S7",
    title: "a damaged entry is KV_CORRUPT in batches",
    needs: ["damage", "batch"],
    rootOnly: true,
    async run({ store, damage }) {
      await store.setMany([
        ["damaged", "a value of some length"],
        ["other", "value"],
      ]);
      await damage("damaged");
      await expectRejects(() => store.getMany(["other", "damaged"]), "KV_CORRUPT", "getMany");
      await store.setMany([["damaged", "again"]]);
      expectValue(await store.get("damaged"), "again", "get after setMany");
    },
  },
  {
    rule: "S7",
    title: "a damaged entry is KV_CORRUPT for atomic steps, never nothing",
    needs: ["damage", "atomic"],
    rootOnly: true,
    async run({ store, damage }) {
      await store.set("damaged", "12345678901234");
      await damage("damaged");
      await expectRejects(() => store.increment("damaged"), "KV_CORRUPT", "increment");
      await expectRejects(
        () => store.compareAndSet("damaged", "12345678901234", "x"),
        "KV_CORRUPT",
        "compareAndSet",
      );
      await expectRejects(
        () => store.compareAndDelete("damaged", "12345678901234"),
        "KV_CORRUPT",
        "compareAndDelete",
      );
      await expectRejects(() => store.take("damaged"), "KV_CORRUPT", "take");
      await expectRejects(() => store.get("damaged"), "KV_CORRUPT", "get");
    },
  },
];
