import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import { collect } from "../../support/collect.ts";
import { expectSame, expectSameSet, expectTrue, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach } from "../shared/for-each.ts";

const many = Array.from({ length: 1_200 }, (_, at) => `key ${at}`);

/** N6: listings. */
export const listingCases: readonly ContractCase[] = [
  {
    rule: "N6",
    title: "keys lists every key, none where there is none, and more than a page",
    needs: ["listing"],
    async run({ store }) {
      expectSameSet(await collect(store.keys()), [], "keys of an empty store");
      await store.set("one", "value");
      expectSameSet(await collect(store.keys()), ["one"], "keys of a store with one");
      await setAll(store, many);
      expectSameSet(await collect(store.keys()), [...many, "one"], "keys");
      await store.delete("one");
      expectSameSet(await collect(store.keys()), many, "keys after a delete");
      await store.deleteAll();
      expectSameSet(await collect(store.keys()), [], "keys after deleteAll");
    },
  },
  {
    rule: "N6",
    title: "keys lists the namespace's own keys, not its children's, siblings' or parent's",
    needs: ["listing", "namespaces"],
    async run({ store, root }) {
      await root.set("of the root", "value");
      await store.set("own", "value");
      for (const name of ["a", "a*", "own"]) {
        await store.withNamespace(name).set(`of ${name}`, "value");
        await store.withNamespace(name).withNamespace("own").set(`below ${name}`, "value");
      }
      const own = store.namespace?.length === root.namespace?.length ? ["own", "of the root"] : ["own"];
      expectSameSet(await collect(store.keys()), own, "keys");
      expectSameSet(await collect(store.withNamespace("a").keys()), ["of a"], "keys of a child");
      expectSameSet(await collect(store.withNamespace("*").keys()), [], "keys of an empty child");
    },
  },
  {
    rule: "N6",
    title: "namespaces lists the direct children that hold something, themselves or further below",
    needs: ["listing", "namespaces"],
    async run({ store }) {
      expectSameSet(await collect(store.namespaces()), [], "namespaces of an empty store");
      await store.set("key", "value");
      await store.withNamespace("full").set("key", "value");
      await store.withNamespace("deep").withNamespace("er").withNamespace("est").set("key", "value");
      await store.withNamespace("emptied").set("key", "value");
      await store.withNamespace("emptied").delete("key");
      await store.withNamespace("cleared").set("key", "value");
      await store.withNamespace("cleared").deleteAll();
      expectSame(
        await store.withNamespace("asked").exists("key"),
        false,
        "exists in a child that holds nothing",
      );
      expectSameSet(await collect(store.namespaces()), ["full", "deep"], "namespaces");
      expectSameSet(await collect(store.withNamespace("deep").namespaces()), ["er"], "namespaces of a child");
      expectSameSet(
        await collect(store.withNamespace("full").namespaces()),
        [],
        "namespaces of a child without",
      );
    },
  },
  {
    rule: "N6",
    title: "namespaces does not list a child of which all has expired, keys not its keys",
    needs: ["listing", "namespaces"],
    waits: true,
    async run({ store, clock }) {
      const expiresIn = { milliseconds: clock.shortMs };
      const child = store.withNamespace("child");
      await child.set("short", "value", { expiresIn });
      await child.withNamespace("deep").set("short", "value", { expiresIn });
      await store.withNamespace("mixed").set("short", "value", { expiresIn });
      await store.withNamespace("mixed").set("long", "value");
      await clock.checkpoint().until(clock.shortMs + resolutionMs);
      expectSameSet(await collect(store.namespaces()), ["mixed"], "namespaces");
      expectSameSet(await collect(child.keys()), [], "keys of the child");
      expectSameSet(await collect(store.withNamespace("mixed").keys()), ["long"], "keys of a mixed child");
    },
  },
  {
    rule: "N6",
    title: "namespaces lists more children than a page holds, each once at least",
    needs: ["listing", "namespaces"],
    async run({ store }) {
      const names = [
        ...Array.from({ length: 300 }, (_, at) => `name ${at}`),
        ".hidden",
        "..",
        "__proto__",
        "~",
        "\u{1f600}",
      ];
      await Promise.all(names.map(async (name) => store.withNamespace(name).set("key", "value")));
      expectSameSet(await collect(store.namespaces()), names, "namespaces");
    },
  },
  {
    rule: "N6",
    title: "a key that is there throughout is listed, whatever others write and delete meanwhile",
    needs: ["listing"],
    async run({ store }) {
      const [kept, deleted] = [many.slice(0, 600), many.slice(600)];
      await setAll(store, many);
      const listed = new Set<string>();
      const added = numbers(1_000).map((at) => `new ${at}`);
      let count = 0;
      for await (const key of store.keys()) {
        listed.add(key);
        // Deleting makes tables shrink and pages move up, setting makes them grow.
        if (count % 50 === 0) {
          await forEach(deleted.slice(count, count + 50), async (gone) => store.delete(gone));
          await forEach(added.slice(count, count + 50), async (fresh) => store.set(fresh, "value"));
        }
        count += 1;
        expectTrue(count < 100_000, "a listing that ends", "more than 100,000 keys");
      }
      for (const key of kept) expectSame(listed.has(key), true, `${inspect(key)} listed`);
      const known = (key: string): boolean => many.includes(key) || key.startsWith("new ");
      for (const key of listed)
        expectSame(known(key), true, `${inspect(key)}, which was listed, a key that was ever set`);
    },
  },
  {
    rule: "N6",
    title: "keys ends even while others write without end",
    needs: ["listing"],
    async run({ store }) {
      await setAll(store, many.slice(0, 100));
      let count = 0;
      for await (const key of store.keys()) {
        expectSame(typeof key, "string", "the type of a key");
        if (count % 10 === 0)
          await forEach(numbers(10), async (at) => store.set(`new ${count + at}`, "value"));
        count += 1;
        expectTrue(
          count < 10_000,
          "a listing of 100 keys that ends, one more key being set for each listed",
          "10,000 keys and no end",
        );
      }
    },
  },
  {
    rule: "N6",
    title: "namespaces ends even while others write without end",
    needs: ["listing", "namespaces"],
    async run({ store }) {
      await forEach(many.slice(0, 20), async (key) => store.withNamespace(key).set("key", "value"));
      let count = 0;
      for await (const name of store.namespaces()) {
        expectSame(typeof name, "string", "the type of a name");
        if (count % 5 === 0) {
          await forEach(numbers(5), async (at) =>
            store.withNamespace(`new ${count + at}`).set("key", "value"),
          );
        }
        count += 1;
        expectTrue(
          count < 3_000,
          "a listing of 20 names that ends, one more being used for each listed",
          "3,000 names and no end",
        );
      }
    },
  },
  {
    rule: "N6",
    title: "a listing may be left early, again and again, and all goes on working",
    needs: ["listing"],
    async run({ store }) {
      await setAll(store, many.slice(0, 300));
      for (let round = 0; round < 10; round += 1) {
        await forEach(numbers(20), async () => {
          for await (const key of store.keys()) {
            expectSame(many.includes(key), true, "a listed key is known");
            break;
          }
        });
      }
      const never = store.keys()[Symbol.asyncIterator]();
      await never.return?.();
      expectSame((await never.next()).done, true, "a listing that was left before it began is over");
      expectValue(await store.get("key 1"), "value", "get");
      expectSameSet(await collect(store.keys()), many.slice(0, 300), "keys");
    },
  },
  {
    rule: "N6",
    title: "two listings at the same time do not disturb each other",
    needs: ["listing"],
    async run({ store }) {
      await setAll(store, many);
      const [one, two] = await Promise.all([collect(store.keys()), collect(store.keys())]);
      expectSameSet(one, many, "keys, the first");
      expectSameSet(two, many, "keys, the second");
    },
  },
  {
    rule: "N6",
    title: "what is deleted before a listing begins is not listed, what is set is",
    needs: ["listing"],
    async run({ store }) {
      for (let round = 0; round < 10; round += 1) {
        await store.set(`round ${round}`, "value");
        await store.delete(`round ${round - 1}`);
        expectSameSet(await collect(store.keys()), [`round ${round}`], "keys");
      }
    },
  },
];

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}

async function setAll(store: FullStore, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map(async (key) => store.set(key, "value")));
}
