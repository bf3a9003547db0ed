import type { ContractCase } from "../../contract/contract-case.ts";
import { expectRejects, expectSame, expectValue, expectValues } from "../../support/expect.ts";
import { expectLeft } from "../time/expiry-cases.ts";

/** Iterables that are no arrays, and arrays that are not the caller's own. */
const iterables: Readonly<Record<string, <T>(items: readonly T[]) => Iterable<T>>> = {
  "an array": (items) => [...items],
  "a frozen array": (items) => Object.freeze([...items]),
  "a Set": (items) => new Set(items),
  "the values of a Map": (items) => new Map(items.map((item, at) => [at, item])).values(),
  "a generator, which can be read once": function* (items) {
    yield* items;
  },
  "an object that can be iterated": (items) => ({ [Symbol.iterator]: () => items[Symbol.iterator]() }),
};

/** More than a store sends or keeps in one piece. */
const many = Array.from({ length: 1_500 }, (_, at) => `key ${at}`);

/** S2, S3, S5, S6: batches of any form and size. */
export const batchCases: readonly ContractCase[] = [
  ...Object.entries(iterables).map(
    ([form, make]): ContractCase => ({
      rule: "S5",
      title: `batches take ${form}`,
      needs: ["batch"],
      async run({ store }) {
        const keys = ["a", "b", "c"];
        await store.setMany(make(keys.map((key) => [key, `value of ${key}`] as const)));
        const found = await store.getMany(make([...keys, "missing"]));
        expectValues(found, ["value of a", "value of b", "value of c", undefined], "getMany");
        expectSame(await store.deleteMany(make(["c", "a", "missing"])), 2, "deleteMany");
        expectValues(await store.getMany(keys), [undefined, "value of b", undefined], "getMany, later");
      },
    }),
  ),
  {
    rule: "S2",
    title: "an empty batch of any form is a no-op and leaves what is there",
    needs: ["batch"],
    async run({ store, clock }) {
      const before = clock.checkpoint();
      await store.set("kept", "value", { expiresIn: "1h" });
      await Promise.all(
        Object.entries(iterables).map(async ([form, make]) => {
          expectValues(await store.getMany(make<string>([])), [], `getMany of ${form}, empty`);
          expectSame(await store.deleteMany(make<string>([])), 0, `deleteMany of ${form}, empty`);
          for (const options of [undefined, {}, { expiresIn: "2h" }, { keepExpiry: true }] as const) {
            expectSame(
              await store.setMany(make<[string, string]>([]), options),
              undefined,
              "an empty setMany",
            );
          }
        }),
      );
      expectValue(await store.get("kept"), "value", "get of what was there");
      await expectLeft(store, "kept", 3_600, before);
    },
  },
  {
    rule: "S3",
    title: "an iterable that was passed to a batch is the caller's own as soon as the call has returned",
    needs: ["batch"],
    async run({ store }) {
      const entries = many.slice(0, 100).map((key): [string, string] => [key, `value of ${key}`]);
      const setting = store.setMany(entries);
      for (const entry of entries) entry[1] = "changed";
      entries.splice(0, 90, ["added", "value"]);
      await setting;
      expectSame(await store.exists("added"), false, "exists of what was added after the call");

      const keys = many.slice(0, 100);
      const getting = store.getMany(keys);
      keys.splice(0, 50, "key 99");
      const values = many.slice(0, 100).map((key) => `value of ${key}`);
      expectValues(await getting, values, "getMany of keys that were changed after the call");

      const deleted = ["key 1", "key 2"];
      const deleting = store.deleteMany(deleted);
      deleted.splice(0, 1, "key 3", "key 4");
      expectSame(await deleting, 2, "deleteMany of keys that were changed after the call");
      const left = await store.getMany(["key 1", "key 2", "key 3", "key 4"]);
      expectValues(left, [undefined, undefined, "value of key 3", "value of key 4"], "getMany, later");
    },
  },
  {
    rule: "S5",
    title: "of a key that a batch has many times the last value counts, and it is one entry",
    needs: ["batch"],
    async run({ store }) {
      await store.set("key", "before");
      await store.setMany([
        ["key", "a longer value, the first"],
        ...Array.from({ length: 50 }, (_, at) => ["key", `${at}`] as const),
        ["other", "value"],
        ["key", "last"],
      ]);
      expectValue(await store.get("key"), "last", "get");
      const times = Array.from({ length: 50 }, () => "key");
      const [first, ...others] = await store.getMany(times);
      expectValue(first, "last", "the first value of getMany of one key 50 times");
      first?.fill(0x21);
      expectSame(others.length, times.length - 1, "the number of other values of getMany");
      for (const other of others) expectValue(other, "last", "another value of the same getMany", "S3");
      expectSame(
        await store.deleteMany([...times, "other", ...times]),
        2,
        "deleteMany of two keys many times",
      );
      expectSame(await store.deleteMany(times), 0, "deleteMany again");
    },
  },
  {
    rule: "S5",
    title:
      "of a key at both ends of a large batch the last value counts, and a batch with a wrong end writes nothing",
    needs: ["batch"],
    rootOnly: true,
    async run({ store }) {
      const entries = many.map((key): [string, string] => [key, "value"]);
      for (const wrong of [
        ["\ud800", "value"],
        ["key", "\ud800"],
        ["key", 1 as unknown as string],
      ] as const) {
        await expectRejects(
          () => store.setMany([...entries, wrong]),
          "TypeError",
          "setMany with a wrong end",
        );
      }
      const found = await store.getMany(many);
      expectValues(
        found,
        many.map(() => undefined),
        "getMany after batches that were refused",
      );
      await store.setMany([["twice", "first"], ...entries, ["twice", "last"], ...entries]);
      expectValue(await store.get("twice"), "last", "get of a key at both ends");
      await expectRejects(
        () => store.deleteMany([...many, "\ud800"]),
        "TypeError",
        "deleteMany with a wrong end",
      );
      expectSame(await store.deleteMany(["twice", ...many, "twice"]), many.length + 1, "deleteMany", "S2");
    },
  },
  {
    rule: "S1",
    title: "a batch of 1,500 keys gives each its own value, in the order in which they are asked for",
    needs: ["batch"],
    rootOnly: true,
    async run({ store, clock }) {
      const valueOf = (key: string): string => `of ${key} ${"x".repeat(key.length * 7)}`;
      const before = clock.checkpoint();
      await store.setMany(
        many.map((key) => [key, valueOf(key)] as const),
        { expiresIn: "1h" },
      );
      const asked = many
        .toReversed()
        .flatMap((key, at) => [key, `missing ${at}`, ...many.slice(at % 7, (at % 7) + 1)]);
      const expected = asked.map((key) => (key.startsWith("missing") ? undefined : valueOf(key)));
      expectValues(await store.getMany(asked), expected, "getMany of 4,500 keys");
      const some = many.filter((_, at) => at % 250 === 0 || at === many.length - 1);
      await Promise.all(some.map(async (key) => expectLeft(store, key, 3_600, before)));

      const [gone, kept] = [many.filter((_, at) => at % 3 === 0), many.filter((_, at) => at % 3 !== 0)];
      const count = await store.deleteMany([...gone, ...gone.map((key) => `${key}, missing`), ...gone]);
      expectSame(count, gone.length, "deleteMany", "S2");
      await store.setMany(
        kept.map((key) => [key, "new"] as const),
        { keepExpiry: true },
      );
      const left = many.map((_, at) => (at % 3 === 0 ? undefined : "new"));
      expectValues(await store.getMany(many), left, "getMany after deleteMany and setMany");
      await Promise.all(
        some.map(async (key) => {
          if (kept.includes(key)) await expectLeft(store, key, 3_600, before);
          else expectSame(await store.expiresIn(key), undefined, `expiresIn of ${key}`, "T4");
        }),
      );
    },
  },
  {
    rule: "S6",
    title: "a batch of 1,500 keys keeps its place among single calls",
    needs: ["batch"],
    rootOnly: true,
    async run({ store }) {
      const ends = ["key 0", "key 700", "key 1499"];
      const each = async (value: string): Promise<unknown> =>
        Promise.all(ends.map(async (key) => store.set(key, value)));
      const all = await Promise.all([
        each("before"),
        store.setMany(many.map((key) => [key, "batch"] as const)),
        store.getMany(ends),
        each("after"),
        store.getMany(many),
        store.deleteMany(many),
        each("again"),
        store.getMany(ends),
      ]);
      expectValues(
        all[2],
        ends.map(() => "batch"),
        "getMany after setMany",
      );
      const after = many.map((key) => (ends.includes(key) ? "after" : "batch"));
      expectValues(all[4], after, "getMany after sets");
      expectSame(all[5], many.length, "deleteMany");
      expectValues(
        all[7],
        ends.map(() => "again"),
        "getMany after deleteMany and sets",
      );
    },
  },
];
