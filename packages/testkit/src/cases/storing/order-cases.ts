import type { ContractCase } from "../../contract/contract-case.ts";
import { expectSame, expectValue, expectValues } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { forEach } from "../shared/for-each.ts";

/** S6: calls take effect on a key in the order in which they were made, awaited or not. */
export const orderCases: readonly ContractCase[] = [
  {
    rule: "S6",
    title: "of calls that are not awaited each sees those before it, and no later one",
    async run({ store }) {
      for (let round = 0; round < 20; round += 1) {
        const key = `key ${round % 3}`;
        const answers = [
          store.set(key, "first"),
          store.get(key),
          store.set(key, "second"),
          store.get(key),
          store.exists(key),
          store.delete(key),
          store.get(key),
          store.delete(key),
          store.exists(key),
          store.set(key, "third", { expiresIn: "1h" }),
          store.touch(key, "2h"),
          store.get(key, { renewFor: "3h" }),
        ] as const;
        const all = await Promise.all(answers);
        expectValue(all[1], "first", "get after the first set");
        expectValue(all[3], "second", "get after the second set");
        expectSame(all[4], true, "exists after the second set");
        expectSame(all[5], true, "delete");
        expectValue(all[6], undefined, "get after delete");
        expectSame(all[7], false, "delete after delete");
        expectSame(all[8], false, "exists after delete");
        expectSame(all[10], true, "touch after the third set");
        expectValue(all[11], "third", "get with renewFor after the third set");
        expectValue(await store.get(key), "third", "get at the end");
      }
    },
  },
  {
    rule: "S6",
    title: "a large value set first does not overtake a small one set after it",
    async run({ store }) {
      for (let round = 0; round < 5; round += 1) {
        await Promise.all([store.set("key", new Uint8Array(1_048_576)), store.set("key", "small")]);
        expectValue(await store.get("key"), "small", "get");
      }
    },
  },
  {
    rule: "S6",
    title: "many sets of one key leave the last",
    async run({ store }) {
      const values = Array.from({ length: 200 }, (_, at) => `value ${at}`);
      const sets = inFlight(forEach(values, async (value) => store.set("key", value)));
      const [, seen] = await Promise.all([sets, store.get("key")]);
      expectValue(seen, "value 199", "get, called after the sets");
      expectValue(await store.get("key"), "value 199", "get at the end");
    },
  },
  {
    rule: "S6",
    title: "set and deleteAll that are not awaited keep their order",
    async run({ store }) {
      for (let round = 0; round < 10; round += 1) {
        const all = await Promise.all([
          store.set("before", "value"),
          store.deleteAll(),
          store.get("before"),
          store.set("after", "value"),
          store.get("after"),
        ]);
        expectValue(all[2], undefined, "get of what was set before deleteAll");
        expectValue(all[4], "value", "get of what was set after deleteAll");
        expectValue(await store.get("before"), undefined, "get of what was set before deleteAll, later");
        expectValue(await store.get("after"), "value", "get of what was set after deleteAll, later");
      }
    },
  },
  {
    rule: "S6",
    title: "deleteAll of a parent keeps its place among the calls of its children",
    needs: ["namespaces"],
    async run({ store }) {
      const child = store.withNamespace("child").withNamespace("deep");
      for (let round = 0; round < 10; round += 1) {
        await Promise.all([child.set("before", "value"), store.deleteAll(), child.set("after", "value")]);
        expectSame(await child.exists("before"), false, "exists of what the child set before deleteAll");
        expectSame(await child.exists("after"), true, "exists of what the child set after deleteAll");
      }
    },
  },
  {
    rule: "S6",
    title: "two stores of one namespace share one order",
    needs: ["namespaces"],
    async run({ store }) {
      const [one, two] = [store.withNamespace("shared"), store.withNamespace("shared")];
      for (let round = 0; round < 10; round += 1) {
        const all = await Promise.all([
          one.set("key", "by one"),
          two.get("key"),
          two.set("key", "by two"),
          one.get("key"),
          two.delete("key"),
          one.exists("key"),
        ]);
        expectValue(all[1], "by one", "get of the second store");
        expectValue(all[3], "by two", "get of the first store");
        expectSame(all[5], false, "exists of the first store");
      }
    },
  },
  {
    rule: "S6",
    title: "batches keep their place among single calls",
    needs: ["batch"],
    async run({ store }) {
      for (let round = 0; round < 10; round += 1) {
        const all = await Promise.all([
          store.set("a", "1"),
          store.getMany(["a", "b"]),
          store.setMany([
            ["a", "2"],
            ["b", "2"],
          ]),
          store.get("a"),
          store.set("b", "3"),
          store.getMany(["b", "a"]),
          store.deleteMany(["a", "b"]),
          store.getMany(["a", "b"]),
        ]);
        expectValues(all[1], ["1", undefined], "getMany after set");
        expectValue(all[3], "2", "get after setMany");
        expectValues(all[5], ["3", "2"], "getMany after set and setMany");
        expectSame(all[6], 2, "deleteMany");
        expectValues(all[7], [undefined, undefined], "getMany after deleteMany");
      }
    },
  },
  {
    rule: "S6",
    title: "atomic steps keep their place among other calls",
    needs: ["atomic"],
    async run({ store }) {
      for (let round = 0; round < 10; round += 1) {
        const all = await Promise.all([
          store.delete("key"),
          store.increment("key"),
          store.setIfAbsent("key", "9"),
          store.get("key"),
          store.set("key", "41"),
          store.increment("key"),
          store.compareAndSet("key", "42", "43"),
          store.compareAndDelete("key", "42"),
          store.get("key"),
          store.compareAndDelete("key", "43"),
          store.setIfAbsent("key", "9"),
          store.get("key"),
          store.take("key"),
          store.set("key", "10"),
          store.take("key"),
          store.take("key"),
          store.set("key", "11"),
          store.get("key"),
        ]);
        expectSame(all[1].value, 1, "increment after delete");
        expectSame(all[2], false, "setIfAbsent after increment");
        expectValue(all[3], "1", "get after increment");
        expectSame(all[5].value, 42, "increment after set");
        expectSame(all[6], true, "compareAndSet after increment");
        expectSame(all[7], false, "compareAndDelete of an older value");
        expectValue(all[8], "43", "get after compareAndSet");
        expectSame(all[9], true, "compareAndDelete");
        expectSame(all[10], true, "setIfAbsent after compareAndDelete");
        expectValue(all[11], "9", "get after setIfAbsent");
        expectValue(all[12], "9", "take, before the set that came after it");
        expectValue(all[14], "10", "take after set");
        expectValue(all[15], undefined, "take after take");
        expectValue(all[17], "11", "get after take and set");
        expectValue(await store.get("key"), "11", "get at the end");
      }
    },
  },
  {
    rule: "S6",
    title: "take and deleteAll that are not awaited keep their order",
    needs: ["atomic"],
    async run({ store }) {
      for (let round = 0; round < 10; round += 1) {
        const all = await Promise.all([
          store.set("a", "1"),
          store.set("b", "1"),
          store.take("a"),
          store.deleteAll(),
          store.take("b"),
          store.set("b", "2"),
          store.take("b"),
        ]);
        expectValue(all[2], "1", "take before deleteAll");
        expectValue(all[4], undefined, "take after deleteAll");
        expectValue(all[6], "2", "take of what was set after deleteAll");
      }
    },
  },
  {
    rule: "S6",
    title: "a thousand concurrent calls all settle, each with its own answer",
    async run({ store }) {
      const keys = Array.from({ length: 500 }, (_, at) => `key ${at}`);
      const sets = inFlight(forEach(keys, async (key) => store.set(key, `value of ${key}`)));
      const [, found] = await Promise.all([sets, Promise.all(keys.map(async (key) => store.get(key)))]);
      for (const [at, key] of keys.entries()) expectValue(found[at], `value of ${key}`, `get(${key})`);
    },
  },
];
