import type { ContractCase } from "../../contract/contract-case.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectEntries, expectSame, expectSameSet, expectTrue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach, inGroups } from "../shared/for-each.ts";
import { hostileKeys } from "../shared/hostile-strings.ts";

/** What a search by pattern, by name or by text would take for something else. */
const keys: readonly string[] = [
  ...hostileKeys.filter((key) => key.length < 1_000),
  "abc",
  "ac",
  "a-c",
  "a*b",
  "a?c",
  "[a",
  "[a]b",
  "[^a]b",
  "^a",
  "b]",
  "a\\*",
  "a\\\\b",
  "{tag}",
  "{tag}:1",
  "{tag}:2",
  "{tag:1",
  "{}x}y",
  "user:1",
  "user:10",
  "user/1",
  "users:1",
  "User:1",
  "%_",
  "a%b",
  "a_b",
  "\u{1f600}b",
  "\u{1f601}",
  "\u00e9t\u00e9",
  "e\u0301te\u0301",
];

const prefixes: readonly string[] = [
  ...keys,
  "a?",
  "a*",
  "[a-",
  "[^",
  "a\\",
  "a%",
  "a_",
  "%_%",
  "user",
  "user:",
  "user/",
  "user:1*",
  "{tag",
  "{tag}:",
  "x".repeat(200),
  "long".repeat(250),
  "none begins so",
];

/** N6: listings of the keys that begin with a text. */
export const prefixCases: readonly ContractCase[] = [
  {
    rule: "N6",
    title: "keys with a prefix lists the keys that begin with it and no others, whatever characters it has",
    needs: ["listing"],
    async run({ store }) {
      expectSameSet(await collect(store.keys({ prefix: "a" })), [], "keys of an empty store with a prefix");
      await Promise.all(keys.map(async (key) => store.set(key, `of ${key}`)));
      for (const group of inGroups(prefixes, 8)) {
        await forEach(group, async (prefix) =>
          expectSameSet(
            await collect(store.keys({ prefix })),
            keys.filter((key) => key.startsWith(prefix)),
            `keys with the prefix ${inspect(prefix)}`,
          ),
        );
      }
      expectSameSet(await collect(store.keys({})), keys, "keys with no prefix in its options");
      expectSameSet(await collect(store.keys({ prefix: undefined })), keys, "keys with prefix: undefined");
    },
  },
  {
    rule: "N6",
    title: "entries with a prefix lists the entries whose keys begin with it and no others",
    needs: ["listing"],
    async run({ store }) {
      await Promise.all(keys.map(async (key) => store.set(key, `of ${key}`)));
      const some = ["", "a", "a*", "a_", "a%", "[a", "\\", "{tag}:", "user:", "\u{1f600}", "e\u0301", "none"];
      await forEach(some, async (prefix) =>
        expectEntries(
          await collectEntries(store.entries({ prefix })),
          new Map(keys.filter((key) => key.startsWith(prefix)).map((key) => [key, `of ${key}`])),
          `entries with the prefix ${inspect(prefix)}`,
        ),
      );
    },
  },
  {
    rule: "N6",
    title: "a prefix of 100,000 characters lists what begins with it",
    needs: ["listing"],
    async run({ store }) {
      const long = "long".repeat(25_000);
      for (const key of [long, `${long}er`, long.slice(1), "long"]) await store.set(key, "value");
      expectSameSet(await collect(store.keys({ prefix: long })), [long, `${long}er`], "keys");
    },
  },
  {
    rule: "N6",
    title: "a prefix that looks like the way to another namespace lists nothing of it",
    needs: ["listing", "namespaces"],
    async run({ store }) {
      const child = store.withNamespace("child");
      const grandchild = child.withNamespace("below");
      const sibling = store.withNamespace("childs");
      const all = ["key", "child", "child:key", "child/below:key", ":key", "/key"];
      await forEach([store, child, grandchild, sibling], async (each) =>
        forEach(all, async (key) => each.set(key, (each.namespace ?? []).join("/"))),
      );
      const begins = ["", "c", "child", "child:", "child/", "child/below:", ":", "/", "s:", "../..", "KV"];
      await forEach(begins, async (prefix) => {
        const own = all.filter((key) => key.startsWith(prefix));
        for (const each of [store, child]) {
          const value = (each.namespace ?? []).join("/");
          const where = `in ${inspect(value)} with the prefix ${inspect(prefix)}`;
          expectSameSet(await collect(each.keys({ prefix })), own, `keys ${where}`);
          expectEntries(
            await collectEntries(each.entries({ prefix })),
            new Map(own.map((key) => [key, value])),
            `entries ${where}`,
          );
        }
      });
    },
  },
  {
    rule: "N6",
    title:
      "keys with a prefix ends while others write keys of that prefix, and misses none that is there throughout",
    needs: ["listing"],
    async run({ store }) {
      const [kept, others] = [numbered("kept:"), numbered("other:")];
      await Promise.all([...kept, ...others].map(async (key) => store.set(key, "value")));
      const listed = new Set<string>();
      let count = 0;
      for await (const key of store.keys({ prefix: "kept:" })) {
        listed.add(key);
        if (count % 20 === 0) {
          const fresh = Array.from({ length: 20 }, (_, at) => `kept:new ${count + at}`);
          await forEach(fresh, async (each) => store.set(each, "value"));
          await forEach(others.slice(count, count + 20), async (each) => store.delete(each));
        }
        count += 1;
        expectTrue(count < 20_000, "a listing that ends", "20,000 keys and no end");
      }
      for (const key of kept) expectSame(listed.has(key), true, `${inspect(key)} listed`);
      for (const key of listed) expectSame(key.startsWith("kept:"), true, `${inspect(key)} begins so`);
    },
  },
  {
    rule: "N6",
    title: "a listing with a prefix may be left early, again and again",
    needs: ["listing"],
    async run({ store }) {
      const few = numbered("few:").slice(0, 40);
      await Promise.all([...few, ...numbered("other:")].map(async (key) => store.set(key, "value")));
      const tenTimes = Array.from({ length: 10 });
      for (let round = 0; round < 5; round += 1) {
        await forEach(tenTimes, async () => {
          for await (const key of store.keys({ prefix: "few:" })) {
            expectSame(few.includes(key), true, "a listed key is one of them");
            break;
          }
          for await (const [key] of store.entries({ prefix: "few:" })) {
            expectSame(few.includes(key), true, "a listed entry is one of them");
            break;
          }
        });
      }
      expectSameSet(await collect(store.keys({ prefix: "few:" })), few, "keys");
    },
  },
];

function numbered(prefix: string): string[] {
  return Array.from({ length: 400 }, (_, at) => `${prefix}${at}`);
}
