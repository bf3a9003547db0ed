import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { expectSame, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach, inGroups } from "../shared/for-each.ts";
import { hostileNames } from "../shared/hostile-strings.ts";

/** Siblings of `a` that a prefix, a pattern or a path may take for it. */
const likeA = [
  "ab",
  "aa",
  "a*",
  "a?",
  "[a]",
  "a[b]",
  "*",
  "?",
  "??",
  "\\a",
  "a\\",
  "a:",
  "a/",
  "a/b",
  "a:b",
  "A",
  "%61",
  "a.",
  " a",
  "a ",
];

/** N2: deleteAll empties its namespace and all below it, and nothing else. */
export const deleteAllCases: readonly ContractCase[] = [
  {
    rule: "N2",
    title: "deleteAll deletes every entry, with and without expiry",
    async run({ store }) {
      const keys = Array.from({ length: 300 }, (_, at) => `key ${at}`);
      await Promise.all(
        keys.map(async (key, at) => store.set(key, "value", at % 2 === 0 ? { expiresIn: "1h" } : {})),
      );
      await store.deleteAll();
      for (const there of await Promise.all(keys.map(async (key) => store.exists(key)))) {
        expectSame(there, false, "exists after deleteAll");
      }
      await store.set("key 1", "new");
      expectValue(await store.get("key 1"), "new", "get of what was set after deleteAll");
      expectSame(
        await store.expiresIn("key 1"),
        Number.POSITIVE_INFINITY,
        "expiresIn of what was set after deleteAll",
      );
    },
  },
  {
    rule: "N2",
    title: "deleteAll empties all below, however deep, and those stores go on working",
    needs: ["namespaces"],
    async run({ store }) {
      const child = store.withNamespace("a");
      const deep = child.withNamespace("*").withNamespace("b:c").withNamespace("d");
      for (const at of [store, child, deep]) await at.set("key", "value");
      await store.deleteAll();
      for (const at of [store, child, deep])
        expectSame(await at.exists("key"), false, "exists after deleteAll");
      for (const at of [store, child, deep]) {
        await at.set("key", "new");
        expectValue(await at.get("key"), "new", "get of what was set after deleteAll");
      }
      await child.deleteAll();
      expectSame(await deep.exists("key"), false, "exists far below, after deleteAll of the child");
    },
  },
  {
    rule: "N2",
    title: "deleteAll leaves the parent, and keys of the parent that look like its own",
    needs: ["namespaces"],
    async run({ store }) {
      const keys = ["key", "a", "a:", "a:key", "a/key", "/a:key", "*", ""];
      const child = store.withNamespace("a");
      await forEach(keys, async (key) => {
        await Promise.all([store.set(key, "of the parent"), child.set(key, "of the child")]);
      });
      await child.deleteAll();
      await forEach(keys, async (key) => {
        expectValue(await store.get(key), "of the parent", `get(${inspect(key)}) in the parent`);
        expectSame(await child.exists(key), false, `exists(${inspect(key)}) in the child`);
      });
    },
  },
  {
    rule: "N2",
    title: "deleteAll leaves paths that end the same",
    needs: ["namespaces"],
    async run({ store }) {
      const paths = [["b", "a"], ["b", "a", "c"], ["c", "b", "a"], ["b"]];
      const others = paths.map((path) => path.reduce((at, name) => at.withNamespace(name), store));
      await setAll(others);
      await store.withNamespace("a").set("key", "value");
      await store.withNamespace("a").deleteAll();
      await expectAll(
        others,
        paths.map((path) => path.join("/")),
        '"a"',
      );
    },
  },
  {
    rule: "N2",
    title: "deleteAll leaves siblings whose names begin the same or fit a pattern",
    needs: ["namespaces"],
    async run({ store }) {
      const siblings = likeA.map((name) => store.withNamespace(name));
      await setAll(siblings);
      const child = store.withNamespace("a");
      await child.set("key", "value");
      await child.withNamespace("b").set("key", "value");
      await child.deleteAll();
      expectSame(await child.withNamespace("b").exists("key"), false, "exists in a child of a");
      await expectAll(siblings, likeA, '"a"');
    },
  },
  {
    rule: "N2",
    title: "deleteAll of a hostile name empties that namespace only",
    needs: ["namespaces"],
    async run({ store }) {
      await setAll(hostileNames.map((name) => store.withNamespace(name)));
      let left = hostileNames;
      for (const group of inGroups(hostileNames, 8)) {
        await forEach(group, async (name) => {
          const child = store.withNamespace(name);
          await child.deleteAll();
          expectSame(await child.exists("key"), false, `exists in ${inspect(name)} after its deleteAll`);
        });
        left = left.filter((name) => !group.includes(name));
        await expectAll(
          left.map((name) => store.withNamespace(name)),
          left,
          group.map(inspect).join(", "),
        );
      }
    },
  },
];

async function setAll(stores: readonly FullStore[]): Promise<void> {
  await Promise.all(stores.map(async (store, at) => store.set("key", `value ${at}`)));
}

async function expectAll(
  stores: readonly FullStore[],
  names: readonly string[],
  emptied: string,
): Promise<void> {
  const there = await Promise.all(stores.map(async (store) => store.exists("key")));
  for (const [at, each] of there.entries()) {
    expectSame(each, true, `exists in ${inspect(names[at])} after deleteAll of ${emptied}`);
  }
}
