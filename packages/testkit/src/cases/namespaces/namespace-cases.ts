import type { FullStore, NamespacedStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import type { Capability } from "../../contract/harness.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectRejects, expectSame, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach, inGroups } from "../shared/for-each.ts";
import { hostileNames } from "../shared/hostile-strings.ts";
import { expectLeft } from "../time/expiry-cases.ts";

/** Paths and keys that meet where names and keys are put together carelessly: each pair is an entry of its own. */
const paths: readonly (readonly string[])[] = [
  [],
  ["a"],
  ["a", "b"],
  ["a", "b", "c"],
  ["a/b"],
  ["a:b"],
  ["a%2Fb"],
  ["a%3Ab"],
  ["a:"],
  ["a/"],
  ["/a"],
  [":a"],
  ["KV"],
  ["KV", "a"],
  ["d"],
  ["a", "d"],
  [".."],
  ["a", ".."],
  ["a", "..", "b"],
];

const keys = [
  "",
  "a",
  "b",
  "c",
  "b:c",
  "b/c",
  "a:b",
  "a:b:c",
  "a/b:c",
  ":c",
  "/c",
  "../b",
  "d/b",
  "KV:a",
  "KV/a:b",
];

/** N1, N3, N4 and N7: namespaces share nothing. */
export const namespaceCases: readonly ContractCase[] = [
  {
    rule: "N1",
    title: "namespace tells the path, a child's is its parent's with its name",
    needs: ["namespaces"],
    async run({ store }) {
      const path = store.namespace;
      const child = store.withNamespace("child").withNamespace("a/b:c");
      expectSame(
        JSON.stringify(child.namespace),
        JSON.stringify([...(path ?? []), "child", "a/b:c"]),
        "the namespace of a grandchild",
      );
    },
  },
  {
    rule: "N1",
    title: "a key of parent, child, grandchild and sibling is four entries",
    needs: ["namespaces"],
    async run({ store }) {
      const family = familyOf(store);
      for (const [who, member] of family) await member.set("key", who);
      for (const [who, member] of family) expectValue(await member.get("key"), who, `get in the ${who}`);

      for (const [who, member] of family) {
        await member.set("key", `${who} again`, { expiresIn: "1h" });
        for (const [other, at] of family) {
          if (other === who) continue;
          expectSame(await at.expiresIn("key"), Number.POSITIVE_INFINITY, `expiresIn in the ${other}`);
        }
        await member.set("key", who);
      }
      for (const [who, member] of family) {
        expectSame(await member.delete("key"), true, `delete in the ${who}`);
        expectSame(await member.delete("key"), false, `delete in the ${who} again`);
      }
    },
  },
  {
    rule: "N1",
    title: "what is in one namespace only no call finds in another",
    needs: ["namespaces"],
    async run({ store, harness }) {
      const isAble = (capability: Capability): boolean => harness.capabilities.includes(capability);
      const family = familyOf(store);
      for (const [owner, holder] of family) {
        await holder.set("key", "1");
        await forEach(
          family.filter(([who]) => who !== owner),
          async ([who, member]) => {
            const what = `in the ${who} of what is in the ${owner}`;
            expectValue(await member.get("key"), undefined, `get ${what}`);
            expectSame(await member.exists("key"), false, `exists ${what}`);
            expectSame(await member.expiresIn("key"), undefined, `expiresIn ${what}`);
            expectSame(await member.touch("key", "1h"), false, `touch ${what}`);
            expectSame(await member.delete("key"), false, `delete ${what}`);
            if (isAble("batch")) {
              expectValue((await member.getMany(["key"]))[0], undefined, `getMany ${what}`);
              expectSame(await member.deleteMany(["key"]), 0, `deleteMany ${what}`);
            }
            if (isAble("atomic")) {
              expectSame(await member.compareAndSet("key", "1", "2"), false, `compareAndSet ${what}`);
              expectSame(await member.compareAndDelete("key", "1"), false, `compareAndDelete ${what}`);
              expectValue(await member.take("key"), undefined, `take ${what}`);
            }
          },
        );
        expectValue(await holder.get("key"), "1", `get in the ${owner}`);
        await holder.delete("key");
      }
    },
  },
  {
    rule: "N1",
    title: "a renewal in one namespace renews nothing in another",
    needs: ["namespaces"],
    async run({ store, clock }) {
      const family = familyOf(store);
      for (const [renewedIn, renewed] of family) {
        const before = clock.checkpoint();
        await forEach(family, async ([, member]) => member.set("key", "value", { expiresIn: "1h" }));
        await renewed.touch("key", "5h");
        await renewed.get("key", { renewFor: "6h" });
        await forEach(family, async ([who, member]) =>
          expectLeft(member, "key", who === renewedIn ? 6 * 3_600 : 3_600, before),
        );
      }
    },
  },
  {
    rule: "N1",
    title: "batches stay in their namespace",
    needs: ["namespaces", "batch"],
    async run({ store }) {
      const family = familyOf(store);
      for (const [who, member] of family) await member.setMany([["key", who]]);
      for (const [who, member] of family)
        expectValue((await member.getMany(["key"]))[0], who, `getMany in the ${who}`);
      for (const [who, member] of family) {
        expectSame(await member.deleteMany(["key"]), 1, `deleteMany in the ${who}`);
        expectValue((await member.getMany(["key"]))[0], undefined, `getMany in the ${who} after deleteMany`);
      }
    },
  },
  {
    rule: "N1",
    title: "atomic steps stay in their namespace",
    needs: ["namespaces", "atomic"],
    async run({ store }) {
      const family = familyOf(store);
      for (const [who, member] of family) {
        expectSame(await member.setIfAbsent("lock", who), true, `setIfAbsent in the ${who}`);
        expectSame((await member.increment("count")).value, 1, `increment in the ${who}`);
      }
      for (const [who, member] of family) {
        expectSame(await member.compareAndSet("lock", who, "mine"), true, `compareAndSet in the ${who}`);
        expectSame(await member.compareAndDelete("count", "1"), true, `compareAndDelete in the ${who}`);
      }
      for (const [who, member] of family) {
        await member.set("token", who);
        for (const [other, at] of family.filter(([, each]) => each !== member)) {
          expectValue(await at.take("token"), undefined, `take in the ${other} of what is in the ${who}`);
        }
        expectValue(await member.take("token"), who, `take in the ${who}`);
      }
    },
  },
  {
    rule: "N1",
    title: "two stores of one path are one namespace",
    needs: ["namespaces"],
    async run({ store }) {
      const [one, two] = [
        store.withNamespace("a").withNamespace("b"),
        store.withNamespace("a").withNamespace("b"),
      ];
      // What a store has missed it does not remember.
      for (const each of [one, two])
        expectValue(await each.get("key"), undefined, "get of what is not there");
      await one.set("key", "by one");
      expectValue(await two.get("key"), "by one", "get of the second store");
      await two.delete("key");
      expectSame(await one.exists("key"), false, "exists of the first store, after delete of the second");
    },
  },
  {
    rule: "N3",
    title: "hostile names are all namespaces of their own",
    needs: ["namespaces"],
    async run({ store }) {
      await store.set("key", "of the parent");
      for (const group of inGroups(hostileNames, 8)) {
        await forEach(group, async (name) => {
          const child = store.withNamespace(name);
          expectSame(await child.exists("key"), false, `exists in ${inspect(name)} before it is set`);
        });
        await forEach(group, async (name) => store.withNamespace(name).set("key", `value of ${name}`));
      }
      await forEach(hostileNames, async (name) => {
        const got = await store.withNamespace(name).get("key");
        expectValue(got, `value of ${name}`, `get in ${inspect(name)}`);
      });
      expectValue(await store.get("key"), "of the parent", "get in the parent");
    },
  },
  {
    rule: "N3",
    title: "namespaces lists hostile names as they are",
    needs: ["namespaces", "listing"],
    async run({ store }) {
      await forEach(hostileNames, async (name) => store.withNamespace(name).set("key", "value"));
      const listed = new Set(await collect(store.namespaces()));
      for (const name of hostileNames) expectSame(listed.has(name), true, `${inspect(name)} listed`);
      expectSame(listed.size, hostileNames.length, "the number of namespaces");
    },
  },
  {
    rule: "N3",
    title: "no two paths, and no path and key, ever meet",
    needs: ["namespaces"],
    async run({ store }) {
      const entries = paths.flatMap((path) =>
        keys.map((key) => ({ path, key, value: JSON.stringify([path, key]) })),
      );
      const at = (path: readonly string[]): FullStore =>
        path.reduce((from, name) => from.withNamespace(name), store);
      for (const group of inGroups(entries, 4)) {
        await forEach(group, async ({ path, key, value }) =>
          expectSame(await at(path).exists(key), false, `exists of ${value} before it is set`),
        );
        await forEach(group, async ({ path, key, value }) => at(path).set(key, value));
      }
      await forEach(entries, async ({ path, key, value }) =>
        expectValue(await at(path).get(key), value, `get of ${value}`),
      );
      await forEach(entries, async ({ path, key, value }) =>
        expectSame(await at(path).delete(key), true, `delete of ${value}`),
      );
    },
  },
  {
    rule: "N4",
    title: "with namespace: null, deleteAll and listings reject, and all else works",
    needs: ["openWithoutNamespace"],
    rootOnly: true,
    async run(context) {
      const store = await context.withoutNamespace();
      expectSame(store.namespace, null, "namespace");
      await store.set("testkit", "kept");
      await expectRejects(() => store.deleteAll(), "KV_NO_NAMESPACE", "deleteAll");
      if ("keys" in store) {
        await expectRejects(() => collect(store.keys()), "KV_NO_NAMESPACE", "keys");
        await expectRejects(() => collectEntries(store.entries()), "KV_NO_NAMESPACE", "entries");
        const prefix = "testkit";
        await expectRejects(() => collect(store.keys({ prefix })), "KV_NO_NAMESPACE", "keys with a prefix");
        await expectRejects(
          () => collectEntries(store.entries({ prefix })),
          "KV_NO_NAMESPACE",
          "entries with a prefix",
        );
        await expectRejects(() => collect(store.namespaces()), "KV_NO_NAMESPACE", "namespaces");
      }
      expectValue(await store.get("testkit"), "kept", "get after the refused deleteAll");
      expectSame(await store.delete("testkit"), true, "delete");

      const child: NamespacedStore = store.withNamespace("testkit");
      await child.set("key", "value");
      expectSame(JSON.stringify(child.namespace), '["testkit"]', "the namespace of a child");
      await child.deleteAll();
      expectSame(await child.exists("key"), false, "exists after deleteAll of a child");
    },
  },
  {
    rule: "N7",
    title: "what released versions wrote is read",
    needs: ["golden"],
    rootOnly: true,
    async run({ harness, recorded, note }) {
      for (const golden of harness.golden ?? []) {
        const { version, entries } = golden;
        note(`data written by version ${version}`);
        const opened = await golden.open();
        const root = recorded(opened.store, version);
        try {
          for (const { namespace = [], key, value } of entries) {
            const at = namespace.reduce((from, name) => from.withNamespace(name), root);
            expectValue(
              await at.get(key),
              value,
              `get(${inspect(key)}) in ${inspect(namespace)} of ${version}`,
            );
          }
        } finally {
          await opened.dispose?.();
        }
      }
    },
  },
];

function familyOf(store: FullStore): readonly (readonly [who: string, member: FullStore])[] {
  const child = store.withNamespace("child");
  return [
    ["parent", store],
    ["child", child],
    ["sibling", store.withNamespace("childs")],
    ["grandchild", child.withNamespace("child")],
  ];
}
