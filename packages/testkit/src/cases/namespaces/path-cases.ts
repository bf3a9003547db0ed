import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectEntries, expectSame, expectSameSet, expectValue, expectValues } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach } from "../shared/for-each.ts";

/** What may stand between the names of a path, or between a path and a key. */
const separators = [
  ":",
  "/",
  ".",
  "|",
  "\0",
  "_",
  "%3A",
  "%2F",
  "\n",
  " ",
  "-",
  "\\",
  ",",
  "::",
  "%00",
  '","',
  "\uffff",
];

/** Where an entry lies: a path and a key. */
interface Place {
  readonly path: readonly string[];
  readonly key: string;
}

/** Every way to read `a:b:c:key` as a path and a key. */
function splitsOf(separator: string): Place[] {
  const parts = ["a", "b", "c", "key"];
  return Array.from({ length: 8 }, (_, split) => {
    const names: string[] = [];
    let name = "";
    for (const [index, part] of parts.entries()) {
      name += part;
      if (index === 3 || (split >> index) % 2 === 1) {
        names.push(name);
        name = "";
      } else name += separator;
    }
    return { path: names.slice(0, -1), key: names.at(-1) as string };
  });
}

/** Strings that sort last, by code units or code points or bytes, and beyond the basic plane, where the orders differ. */
const lasts = [
  "~",
  "\u007f",
  "\u00ff",
  "\ud7ff",
  "\ue000",
  "\uff5e",
  "\ufffd",
  "\ufffe",
  "\uffff",
  "\uffff\uffff",
  "\u{10000}",
  "\u{1f600}",
  "\u{1f601}",
  "\u{10ffff}",
  "\u{10ffff}\u{10ffff}\u{10ffff}",
  "\u{10ffff}\uffff~",
];

/** N1, N2, N3, N6: paths that read the same when they are put together, differ far from their end, or sort last. */
export const pathCases: readonly ContractCase[] = [
  {
    rule: "N3",
    title: "a name or key that holds a separator is no two: each split of a path is an entry of its own",
    needs: ["namespaces"],
    async run({ store }) {
      await forEach(separators, async (separator) => {
        const parent = store.withNamespace(`split at ${separator}`);
        const splits = splitsOf(separator);
        await forEach(splits, async (place) => at(parent, place.path).set(place.key, textOf(place)));
        await forEach(splits, async (place) => {
          expectValue(await at(parent, place.path).get(place.key), textOf(place), `get of ${textOf(place)}`);
        });
        await forEach(splits, async (place) => {
          expectSame(await at(parent, place.path).delete(place.key), true, `delete of ${textOf(place)}`);
        });
      });
    },
  },
  {
    rule: "N2",
    title: "deleteAll of each split of a path empties its own subtree and no other",
    needs: ["namespaces"],
    rootOnly: true,
    async run({ store }) {
      const roots = separators.slice(0, 8).flatMap((separator) => {
        const splits = splitsOf(separator);
        const paths = new Set(
          splits.flatMap(({ path }) => path.map((_, depth) => JSON.stringify(path.slice(0, depth + 1)))),
        );
        return Array.from(paths, (path) => ({ splits, emptied: JSON.parse(path) as string[] }));
      });
      await forEach(roots, async ({ splits, emptied }, index) => {
        const parent = store.withNamespace(`family ${index}`);
        await forEach(splits, async (place) => at(parent, place.path).set(place.key, "value"));
        await at(parent, emptied).deleteAll();
        await forEach(splits, async (place) => {
          const below = emptied.every((name, depth) => place.path[depth] === name);
          const there = await at(parent, place.path).exists(place.key);
          expectSame(there, !below, `exists of ${textOf(place)} after deleteAll of ${inspect(emptied)}`);
        });
      });
    },
  },
  {
    rule: "N6",
    title: "listings of each split of a path list its own keys and names and no other's",
    needs: ["namespaces", "listing"],
    rootOnly: true,
    async run({ store }) {
      await forEach(separators, async (separator) => {
        const parent = store.withNamespace(`split at ${separator}`);
        const splits = splitsOf(separator);
        await forEach(splits, async (place) => at(parent, place.path).set(place.key, "value"));
        await forEach(splits, async ({ path }) => {
          const same = splits.filter((other) => JSON.stringify(other.path) === JSON.stringify(path));
          const below = splits.filter((other) => path.every((name, depth) => other.path[depth] === name));
          const names = new Set(below.flatMap((other) => other.path.slice(path.length, path.length + 1)));
          const where = `at ${inspect(path)}`;
          expectSameSet(
            await collect(at(parent, path).keys()),
            same.map(({ key }) => key),
            `keys ${where}`,
          );
          expectSameSet(await collect(at(parent, path).namespaces()), [...names], `namespaces ${where}`);
        });
      });
    },
  },
  {
    rule: "N1",
    title:
      "paths that differ in their first name only share nothing, in single calls, batches and atomic steps",
    needs: ["namespaces"],
    async run({ store, harness }) {
      const [one, two] = [at(store, ["a", "x", "y"]), at(store, ["b", "x", "y"])];
      await one.set("key", "one", { expiresIn: "1h" });
      expectValue(await two.get("key"), undefined, "get in the twin");
      expectSame(await two.touch("key", "2h"), false, "touch in the twin");
      await two.set("key", "two");
      expectValue(await one.get("key"), "one", "get");
      expectSame(await two.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn in the twin");
      if (harness.capabilities.includes("batch")) {
        await two.setMany([
          ["key", "three"],
          ["other", "three"],
        ]);
        expectValues(await one.getMany(["key", "other"]), ["one", undefined], "getMany");
        expectSame(await two.deleteMany(["key", "other"]), 2, "deleteMany in the twin");
        expectValues(await one.getMany(["key"]), ["one"], "getMany after deleteMany in the twin");
      }
      if (harness.capabilities.includes("atomic")) {
        expectSame((await one.increment("count")).value, 1, "increment");
        expectSame((await two.increment("count")).value, 1, "increment in the twin");
        expectSame(await one.setIfAbsent("lock", "one"), true, "setIfAbsent");
        expectSame(await two.setIfAbsent("lock", "two"), true, "setIfAbsent in the twin");
        expectSame(await two.compareAndSet("lock", "one", "x"), false, "compareAndSet in the twin");
        expectSame(await two.compareAndDelete("lock", "one"), false, "compareAndDelete in the twin");
        expectValue(await two.take("lock"), "two", "take in the twin");
        expectValue(await one.take("lock"), "one", "take");
      }
      await two.delete("key");
      expectValue(await one.get("key"), "one", "get after delete in the twin");
    },
  },
  {
    rule: "N2",
    title: "deleteAll at any depth leaves a path that differs in its first name only",
    needs: ["namespaces"],
    async run({ store }) {
      const [ones, twos] = ["a", "b"].map((first) =>
        ["", "x", "y", "z"].map((_, depth, names) => at(store, [first, ...names.slice(1, depth + 1)])),
      ) as [FullStore[], FullStore[]];
      for (const depth of [3, 2, 1, 0]) {
        await forEach([...ones, ...twos], async (each) => each.set("key", "value"));
        await ones[depth]?.deleteAll();
        await forEach(twos, async (twin) =>
          expectSame(
            await twin.exists("key"),
            true,
            `exists in the twin after deleteAll at depth ${depth + 1}`,
          ),
        );
        await forEach(ones, async (each, index) =>
          expectSame(
            await each.exists("key"),
            index < depth,
            `exists at depth ${index + 1} after deleteAll at ${depth + 1}`,
          ),
        );
      }
    },
  },
  {
    rule: "N6",
    title: "listings at any depth list nothing of a path that differs in its first name only",
    needs: ["namespaces", "listing"],
    async run({ store }) {
      for (const first of ["a", "b"]) {
        await forEach([[], ["x"], ["x", "y"], ["x", "y", `z of ${first}`]], async (rest) =>
          at(store, [first, ...rest]).set(`key of ${first}`, first),
        );
      }
      await forEach(["a", "b"], async (first) => {
        const own = [`key of ${first}`];
        await forEach([[], ["x"], ["x", "y"]], async (rest) => {
          const each = at(store, [first, ...rest]);
          expectSameSet(await collect(each.keys()), own, `keys at ${inspect([first, ...rest])}`);
          const entries = await collectEntries(each.entries());
          expectEntries(
            entries,
            new Map([[`key of ${first}`, first]]),
            `entries at ${inspect([first, ...rest])}`,
          );
        });
        const names = await collect(at(store, [first, "x", "y"]).namespaces());
        expectSameSet(names, [`z of ${first}`], `namespaces of the twin ${first}`);
      });
    },
  },
  {
    rule: "N6",
    title: "keys that sort last or lie beyond the basic plane are listed, with and without a prefix",
    needs: ["listing"],
    async run({ store }) {
      const keys = ["p", ...lasts, ...lasts.map((last) => `p${last}`), "q", "o\u{10ffff}"];
      await forEach(keys, async (key) => store.set(key, key));
      expectSameSet(await collect(store.keys()), keys, "keys");
      expectEntries(await collectEntries(store.entries()), new Map(keys.map((key) => [key, key])), "entries");
      await forEach(["p", ...lasts, "p\uffff", "p\u{10ffff}"], async (prefix) => {
        const own = keys.filter((key) => key.startsWith(prefix));
        const what = `with the prefix ${inspect(prefix)}`;
        expectSameSet(await collect(store.keys({ prefix })), own, `keys ${what}`);
        const entries = await collectEntries(store.entries({ prefix }));
        expectEntries(entries, new Map(own.map((key) => [key, key])), `entries ${what}`);
      });
    },
  },
  {
    rule: "N6",
    title: "names that sort last or lie beyond the basic plane are listed",
    needs: ["namespaces", "listing"],
    async run({ store }) {
      await forEach(lasts, async (name) => at(store, ["p", name]).set("key", "value"));
      await forEach(lasts, async (last) => at(store, [`p${last}`, "below"]).set("key", "value"));
      const parent = await collect(store.namespaces());
      expectSameSet(parent, ["p", ...lasts.map((last) => `p${last}`)], "namespaces");
      expectSameSet(await collect(store.withNamespace("p").namespaces()), lasts, "namespaces of a child");
    },
  },
  {
    rule: "N2",
    title:
      "deleteAll deletes keys and names that sort last, and nothing of a sibling whose name goes on like that",
    needs: ["namespaces"],
    async run({ store }) {
      const endings = [...lasts, "!", " ", "\0", "\u0001", "0", ":", "/", "a"];
      const [child, siblings] = [
        store.withNamespace("p"),
        endings.map((last) => store.withNamespace(`p${last}`)),
      ];
      await forEach(endings, async (last, index) => {
        await Promise.all([
          child.set(last, "value"),
          child.withNamespace(last).set(last, "value"),
          siblings[index]?.set("key", "value"),
          siblings[index]?.withNamespace(last).set("key", "value"),
          store.set(`p${last}`, "value"),
        ]);
      });
      await child.deleteAll();
      await forEach(endings, async (last, index) => {
        expectSame(await child.exists(last), false, `exists(${inspect(last)}) after deleteAll`);
        expectSame(await child.withNamespace(last).exists(last), false, `exists below, in ${inspect(last)}`);
        const name = inspect(`p${last}`);
        expectSame(await siblings[index]?.exists("key"), true, `exists in ${name} after deleteAll of "p"`);
        const below = siblings[index]?.withNamespace(last);
        expectSame(await below?.exists("key"), true, `exists below ${name} after deleteAll of "p"`);
        expectSame(
          await store.exists(`p${last}`),
          true,
          `exists(${name}) in the parent after deleteAll of "p"`,
        );
      });
    },
  },
];

function at(store: FullStore, path: readonly string[]): FullStore {
  return path.reduce((from, name) => from.withNamespace(name), store);
}

function textOf({ path, key }: Place): string {
  return JSON.stringify([...path, key]);
}
