import type { ContractCase } from "../../contract/contract-case.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectEntries, expectSame, expectSameSet, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach, inGroups } from "../shared/for-each.ts";
import { hostileKeys } from "../shared/hostile-strings.ts";

/** S4: any well-formed string is a key, and two different ones are two entries. */
export const keyCases: readonly ContractCase[] = [
  {
    rule: "S4",
    title: "hostile keys are all different entries",
    async run({ store }) {
      await forEach(hostileKeys, async (key, at) => store.set(key, `value ${at}`));
      await forEach(hostileKeys, async (key, at) => {
        expectValue(await store.get(key), `value ${at}`, `get(${inspect(key)})`);
        expectSame(await store.exists(key), true, `exists(${inspect(key)})`);
      });
    },
  },
  {
    rule: "S4",
    title: "a hostile key is not there before it is set, and deleting it deletes no other",
    async run({ store }) {
      const groups = inGroups(hostileKeys, 8);
      for (const group of groups) {
        await forEach(group, async (key) => {
          expectValue(await store.get(key), undefined, `get(${inspect(key)}) before it is set`);
          expectSame(await store.exists(key), false, `exists(${inspect(key)}) before it is set`);
          expectSame(await store.delete(key), false, `delete(${inspect(key)}) before it is set`);
        });
        await forEach(group, async (key) => store.set(key, `value ${hostileKeys.indexOf(key)}`));
      }
      for (const group of groups) {
        await forEach(group, async (key) => {
          const value = `value ${hostileKeys.indexOf(key)}`;
          expectValue(await store.get(key), value, `get(${inspect(key)}) while others are deleted`);
        });
        await forEach(group, async (key) => {
          expectSame(await store.delete(key), true, `delete(${inspect(key)})`);
          expectSame(await store.exists(key), false, `exists(${inspect(key)}) after delete`);
        });
      }
    },
  },
  {
    rule: "S4",
    title: "an expiry of one hostile key is no expiry of another",
    async run({ store }) {
      await forEach(hostileKeys, async (key, at) =>
        store.set(key, "value", at % 2 === 0 ? { expiresIn: "1h" } : {}),
      );
      await forEach(hostileKeys, async (key, at) => {
        const left = await store.expiresIn(key);
        expectSame(left !== Number.POSITIVE_INFINITY, at % 2 === 0, `${inspect(key)} has an expiry`);
      });
    },
  },
  {
    rule: "S4",
    title: "batches take hostile keys, each as an entry of its own",
    needs: ["batch"],
    async run({ store }) {
      await store.setMany(hostileKeys.map((key, at) => [key, `value ${at}`] as const));
      const found = await store.getMany(hostileKeys);
      await forEach(hostileKeys, async (key, at) => {
        expectValue(found[at], `value ${at}`, `getMany, at ${inspect(key)}`);
        expectValue(await store.get(key), `value ${at}`, `get(${inspect(key)})`);
      });
      const half = hostileKeys.filter((_, at) => at % 2 === 0);
      expectSame(await store.deleteMany(half), half.length, "deleteMany of every second key");
      await forEach(hostileKeys, async (key, at) =>
        expectSame(await store.exists(key), at % 2 === 1, `exists(${inspect(key)}) after deleteMany`),
      );
    },
  },
  {
    rule: "S4",
    title: "atomic steps take hostile keys, each as an entry of its own",
    needs: ["atomic"],
    async run({ store }) {
      await forEach(hostileKeys, async (key, at) => {
        expectSame((await store.increment(key, { by: at })).value, at, `increment(${inspect(key)})`);
        expectSame(await store.setIfAbsent(key, "other"), false, `setIfAbsent(${inspect(key)})`);
      });
      await forEach(hostileKeys, async (key, at) => {
        const swapped = await store.compareAndSet(key, `${at}`, `value ${at}`);
        expectSame(swapped, true, `compareAndSet(${inspect(key)})`);
      });
      await forEach(hostileKeys, async (key, at) => {
        const deleted = await store.compareAndDelete(key, `value ${at}`);
        expectSame(deleted, true, `compareAndDelete(${inspect(key)})`);
      });
    },
  },
  {
    rule: "S4",
    title: "take of a hostile key takes no other",
    needs: ["atomic"],
    async run({ store }) {
      const groups = inGroups(hostileKeys, 8);
      for (const group of groups) {
        await forEach(group, async (key) =>
          expectValue(await store.take(key), undefined, `take(${inspect(key)}) before it is set`),
        );
        await forEach(group, async (key) => store.set(key, `value ${hostileKeys.indexOf(key)}`));
      }
      for (const group of groups) {
        await forEach(group, async (key) => {
          const value = `value ${hostileKeys.indexOf(key)}`;
          expectValue(await store.take(key), value, `take(${inspect(key)})`);
          expectSame(await store.exists(key), false, `exists(${inspect(key)}) after take`);
        });
      }
    },
  },
  {
    rule: "S4",
    title: "keys lists hostile keys as they are",
    needs: ["listing"],
    async run({ store }) {
      await forEach(hostileKeys, async (key) => store.set(key, "value"));
      expectSameSet(await collect(store.keys()), hostileKeys, "keys");
    },
  },
  {
    rule: "S4",
    title: "entries lists hostile keys as they are, each with its value",
    needs: ["listing"],
    async run({ store }) {
      const entries = new Map(hostileKeys.map((key, at) => [key, `value ${at}`]));
      await forEach([...entries], async ([key, value]) => store.set(key, value));
      expectEntries(await collectEntries(store.entries()), entries, "entries");
    },
  },
];
