import type { FullStore } from "@kv/core";
import { sleep } from "@kv/core/driver";
import type { ContractCase } from "../../contract/contract-case.ts";
import { Unproven } from "../../contract/unproven.ts";
import { isProcessStore } from "../../process/process-store.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectRejects, expectSame, expectThrows, expectTrue, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { callsWithKey } from "../shared/calls-by-argument.ts";
import { drain } from "../shared/drain.ts";
import { expectNoError } from "../shared/failure.ts";
import { closeBeside } from "./close-beside.ts";

/** L1 to L4: from the first call of a store to its last. */
export const lifecycleCases: readonly ContractCase[] = [
  {
    rule: "L2",
    title: "close may be called again, at the same time and later",
    async run({ store }) {
      await store.set("key", "value");
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await store[Symbol.asyncDispose]();
    },
  },
  {
    rule: "L2",
    title: "[Symbol.asyncDispose] closes",
    async run({ store }) {
      await store.set("key", "value");
      await store[Symbol.asyncDispose]();
      await expectClosed(store);
    },
  },
  {
    rule: "L2",
    title: "a store that was never used closes",
    async run({ store }) {
      await store.close();
      await expectClosed(store);
    },
  },
  ...callsWithKey.map(
    ({ by, needs, calls }): ContractCase => ({
      rule: "L2",
      title: `after close every call rejects with KV_CLOSED${by}`,
      needs,
      async run({ store }) {
        await store.set("kept", "before");
        const closing = Promise.allSettled([store.close()]);
        for (const [method, call] of Object.entries(calls)) {
          await expectRejects(() => call(store, "key"), "KV_CLOSED", `${method}, while close is in flight`);
        }
        expectNoError(await closing);
        for (const [method, call] of Object.entries(calls)) {
          await expectRejects(() => call(store, "key"), "KV_CLOSED", `${method} after close`);
        }
        await expectRejects(() => store.deleteAll(), "KV_CLOSED", "deleteAll after close");
      },
    }),
  ),
  {
    rule: "L2",
    title: "after close listings reject with KV_CLOSED, those that had begun too",
    needs: ["listing"],
    async run({ store }) {
      for (const key of ["a", "b", "c"]) await store.set(key, "value");
      const paused = store.keys()[Symbol.asyncIterator]();
      const pausedEntries = store.entries()[Symbol.asyncIterator]();
      expectSame((await paused.next()).done ?? false, false, "the listing has begun");
      expectSame((await pausedEntries.next()).done ?? false, false, "the listing of entries has begun");
      await store.close(); // a paused listing does not hold it up
      await expectRejects(() => drain(paused, new Set()), "KV_CLOSED", "keys, begun before close");
      await expectRejects(() => drain(pausedEntries, new Set()), "KV_CLOSED", "entries, begun before close");
      await expectRejects(() => collect(store.keys()), "KV_CLOSED", "keys after close");
      await expectRejects(() => collect(store.keys({ prefix: "a" })), "KV_CLOSED", "keys with a prefix");
      await expectRejects(() => collectEntries(store.entries()), "KV_CLOSED", "entries after close");
      await expectRejects(() => collect(store.namespaces()), "KV_CLOSED", "namespaces after close");
    },
  },
  {
    rule: "L2",
    title: "after close deleteExpired rejects with KV_CLOSED",
    needs: ["expiry"],
    async run({ store }) {
      await store.close();
      await expectRejects(() => store.deleteExpired(), "KV_CLOSED", "deleteExpired after close");
    },
  },
  {
    rule: "L2",
    title: "after close withNamespace throws KV_CLOSED",
    needs: ["namespaces"],
    async run({ store }) {
      await store.close();
      await expectThrows(() => store.withNamespace("child"), "KV_CLOSED", "withNamespace after close");
    },
  },
  {
    rule: "L2",
    title: "close waits for the calls in flight, which are carried out",
    async run({ store }) {
      const keys = Array.from({ length: 30 }, (_, at) => `key ${at}`);
      await closeBeside(
        store,
        keys.map((key) => store.set(key, "value")),
        "set",
      );
    },
  },
  {
    rule: "L2",
    title: "what was set before close is there for another handle",
    needs: ["openAgain"],
    async run({ store, reopen }) {
      await store.set("awaited", "value");
      expectNoError(await Promise.allSettled([store.set("in flight", "value"), store.close()]));
      const other = await reopen();
      for (const key of ["awaited", "in flight"])
        expectValue(await other.get(key), "value", `get(${inspect(key)})`);
    },
  },
  {
    rule: "L1",
    title: "closing a namespace leaves its parent, its siblings and other stores of its path open",
    needs: ["namespaces"],
    async run({ store }) {
      const child = store.withNamespace("child");
      const grandchild = child.withNamespace("grandchild");
      const open: readonly (readonly [string, FullStore])[] = [
        ["the parent", store],
        ["a sibling", store.withNamespace("sibling")],
        ["another store of its path", store.withNamespace("child")],
      ];
      for (const [, each] of open) await each.set("key", "value");
      await grandchild.set("key", "value");
      await child.close();
      await expectClosed(child);
      await expectClosed(grandchild);
      for (const [who, each] of open) {
        expectValue(await each.get("key"), "value", `get of ${who} after closing a child`);
        await each.set("key", "new");
      }
      expectValue(await store.withNamespace("child").get("key"), "new", "get of a new store of that path");
    },
  },
  {
    rule: "L1",
    title: "closing a store closes its namespaces too",
    needs: ["namespaces"],
    async run({ store }) {
      const child = store.withNamespace("child");
      const grandchild = child.withNamespace("grandchild");
      await child.set("key", "value");
      await store.close();
      await expectClosed(child);
      await expectClosed(grandchild);
      await expectThrows(() => child.withNamespace("later"), "KV_CLOSED", "withNamespace of the child");
      await child.close();
    },
  },
  {
    rule: "L1",
    title: "closing one handle leaves another open",
    needs: ["openAgain"],
    async run({ store, reopen }) {
      const other = await reopen();
      await other.set("key", "value");
      await store.set("other", "value");
      await store.close();
      expectValue(await other.get("key"), "value", "get of the other handle");
      await other.set("key", "new");
      expectValue(await other.get("key"), "new", "get of the other handle after its set");
    },
  },
  {
    rule: "L3",
    title: "an idle store does not keep its process alive",
    needs: ["openElsewhere"],
    rootOnly: true,
    async run({ inOtherProcess }) {
      const store = await inOtherProcess();
      if (!isProcessStore(store)) {
        throw new Unproven("the store of openElsewhere() is not one of openInProcess()");
      }
      await store.set("key", "value", { expiresIn: "1h" });
      expectValue(await store.get("key"), "value", "get");
      const exit = await store.endIdle();
      expectTrue(
        exit === 0,
        "its process ends by itself, with exit code 0, when nothing else is left to do",
        `${exit}`,
      );
    },
  },
  {
    rule: "L4",
    title: "a store does nothing before its first call, nor do its namespaces",
    needs: ["untouched"],
    rootOnly: true,
    async run({ root, harness, untouched }) {
      expectSame(await untouched(), true, "untouched after it was opened");
      if (harness.capabilities.includes("namespaces")) {
        root.withNamespace("child").withNamespace("grandchild");
        expectSame(await untouched(), true, "untouched after withNamespace");
      }
      await sleep(20); // what a constructor put off to later
      expectSame(await untouched(), true, "untouched a little later");
      await root.set("key", "value");
      expectSame(await untouched(), false, "untouched after set");
    },
  },
];

async function expectClosed(store: FullStore): Promise<void> {
  await expectRejects(() => store.get("key"), "KV_CLOSED", "get after close");
  await expectRejects(() => store.set("key", "value"), "KV_CLOSED", "set after close");
}
