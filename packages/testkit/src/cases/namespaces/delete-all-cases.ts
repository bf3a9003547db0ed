import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { expectSame, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { concurrently } from "../shared/concurrently.ts";
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

/** N2 and N5: deleteAll empties its namespace and all below it, and nothing else. */
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
      for (const key of keys) {
        await store.set(key, "of the parent");
        await child.set(key, "of the child");
      }
      await child.deleteAll();
      for (const key of keys) {
        expectValue(await store.get(key), "of the parent", `get(${inspect(key)}) in the parent`);
        expectSame(await child.exists(key), false, `exists(${inspect(key)}) in the child`);
      }
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
      const children = hostileNames.map((name) => store.withNamespace(name));
      await setAll(children);
      for (const [at, child] of children.entries()) {
        await child.deleteAll();
        const name = inspect(hostileNames[at]);
        expectSame(await child.exists("key"), false, `exists in ${name} after its deleteAll`);
        await expectAll(children.slice(at + 1), hostileNames.slice(at + 1), name);
      }
    },
  },
  ...concurrently({
    rule: "N5",
    title: "beside writers, what was set before deleteAll is gone and what is set after it stays",
    async run([store, other]) {
      for (let round = 0; round < 5; round += 1) {
        const before = Array.from({ length: 30 }, (_, at) => `before ${at}`);
        const after = Array.from({ length: 30 }, (_, at) => `after ${at}`);
        await Promise.all(before.map(async (key) => other.set(key, `round ${round}`)));
        const writers = writeUntil(other);
        await store.deleteAll();
        const written = await Promise.all(after.map(async (key) => other.set(key, `round ${round}`)));
        expectSame(written.length, after.length, "the sets after deleteAll");
        await writers.stop();
        for (const key of before) expectSame(await store.exists(key), false, `exists(${inspect(key)})`);
        for (const key of after) expectValue(await store.get(key), `round ${round}`, `get(${inspect(key)})`);
      }
    },
  }),
  ...concurrently({
    rule: "N5",
    title: "deleteAll of a parent beside writers of a child keeps what the child sets after it",
    needs: ["namespaces"],
    async run([store, other]) {
      const child = other.withNamespace("child").withNamespace("deep");
      for (let round = 0; round < 5; round += 1) {
        await child.set("before", `round ${round}`);
        const writers = writeUntil(child);
        await store.deleteAll();
        await child.set("after", `round ${round}`);
        await writers.stop();
        expectSame(await child.exists("before"), false, "exists of what was set before");
        expectValue(await child.get("after"), `round ${round}`, "get of what was set after");
      }
    },
  }),
  ...concurrently({
    rule: "N5",
    title: "deleteAlls at the same time all resolve",
    async run([store, other]) {
      for (let round = 0; round < 5; round += 1) {
        await Promise.all([store.set("a", "1"), other.set("b", "2")]);
        await Promise.all([store.deleteAll(), other.deleteAll(), store.deleteAll()]);
        for (const key of ["a", "b"]) expectSame(await store.exists(key), false, `exists(${inspect(key)})`);
      }
    },
  }),
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

/** Writers that write until they are stopped. A write that fails makes `stop` reject. */
function writeUntil(store: FullStore): { stop(): Promise<void> } {
  const stop = new AbortController();
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let count = 0; !stop.signal.aborted; count += 1)
      await store.set(`writer ${writer} ${count % 20}`, `${count}`);
  });
  return {
    async stop() {
      stop.abort();
      await Promise.all(writers);
    },
  };
}
