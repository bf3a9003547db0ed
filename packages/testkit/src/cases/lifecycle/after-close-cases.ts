import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import type { RuleId } from "../../contract/rules.ts";
import { expectRejects, expectSame, expectThrows } from "../../support/expect.ts";
import {
  ableCalls,
  addEntry,
  type Call,
  type CallGroup,
  callGroups,
  deleteAllOf,
  wideCallGroups,
} from "../shared/all-calls.ts";
import { drain } from "../shared/drain.ts";
import { expectNoError } from "../shared/failure.ts";
import { underRule } from "../shared/under-rule.ts";

const groups: readonly CallGroup[] = [
  ...callGroups,
  ...wideCallGroups,
  { by: " by deleteAll", needs: [], calls: { deleteAll: deleteAllOf(1) } },
  {
    by: " by batches of nothing",
    needs: ["batch"],
    calls: {
      getMany: { call: (store) => store.getMany([]), done: nothing },
      setMany: { call: (store) => store.setMany([]), done: nothing },
      deleteMany: { call: (store) => store.deleteMany([]), done: nothing },
    },
  },
];

/** A store, and the rule that closes it. */
interface Closed {
  readonly name: string;
  readonly store: FullStore;
  readonly rule: RuleId;
}

/** L2 and L1: after close every call of a store, and of what was made from it, rejects. */
export const afterCloseCases: readonly ContractCase[] = [
  ...groups.map(
    ({ by, needs, calls }): ContractCase => ({
      rule: "L2",
      title: `while close is in flight and after it every call${by} rejects with KV_CLOSED, in its namespaces too`,
      needs,
      async run({ store, harness }) {
        const places = [
          { name: "the store", store, rule: "L2" },
          ...(harness.capabilities.includes("namespaces") ? namespacesOf(store) : []),
        ] as const;
        await store.set("key", "0");
        const closing = Promise.allSettled([store.close()]);
        for (const place of places)
          await expectClosed(place, Object.entries(calls), "while close is in flight");
        expectNoError(await closing);
        for (const place of places) await expectClosed(place, Object.entries(calls), "after close");
      },
    }),
  ),
  {
    rule: "L1",
    title:
      "after close of a namespace every call of it, and of what was made from it, rejects with KV_CLOSED",
    needs: ["namespaces"],
    async run({ store, harness }) {
      const [child, grandchild] = namespacesOf(store);
      await store.set("key", "0");
      await child.store.close();
      for (const place of [child, grandchild])
        await expectClosed(place, ableCalls(harness, groups), "after close of the namespace");
    },
  },
  {
    rule: "L2",
    title: "what is rejected with KV_CLOSED is not done",
    needs: ["openAgain"],
    async run({ store, reopen, harness }) {
      const calls = ableCalls(harness, callGroups);
      await Promise.all(calls.map(([method, { before = addEntry }]) => before(store, method)));
      await store.close();
      for (const [method, { call }] of calls)
        await expectRejects(() => call(store, method), "KV_CLOSED", `${method} after close`);
      const other = await reopen();
      for (const [method, { done }] of calls)
        expectSame(await done(other, method), 0, `on how many keys ${method} after close was done`);
    },
  },
  {
    rule: "L2",
    title: "after close listings that were made before it reject with KV_CLOSED, begun or not",
    needs: ["listing"],
    async run({ store, harness }) {
      const namespaced = harness.capabilities.includes("namespaces");
      await Promise.all(["a", "b", "c"].map((key) => addEntry(store, key)));
      if (namespaced)
        await Promise.all(["a", "b", "c"].map((name) => addEntry(store.withNamespace(name), "key")));
      const iterators = listingsOf(store, namespaced).flatMap(([method, list]) =>
        ["not begun", "begun"].map((state) => ({ method, state, listing: list()[Symbol.asyncIterator]() })),
      );
      for (const { method, state, listing } of iterators)
        if (state === "begun")
          expectSame((await listing.next()).done ?? false, false, `the end of ${method}`);
      await store.close(); // a paused listing does not hold it up
      for (const { method, state, listing } of iterators)
        await expectRejects(() => drain(listing, new Set()), "KV_CLOSED", `${method}, ${state} before close`);
    },
  },
  {
    rule: "L2",
    title: "after close a listing can still be left early",
    needs: ["listing"],
    async run({ store }) {
      await Promise.all(["a", "b", "c"].map((key) => addEntry(store, key)));
      const listing = store.keys()[Symbol.asyncIterator]();
      await listing.next();
      await store.close();
      await listing.return?.();
    },
  },
  {
    rule: "L1",
    title: "after close withNamespace throws KV_CLOSED, in its namespaces too",
    needs: ["namespaces"],
    async run({ store }) {
      const places = namespacesOf(store);
      await store.close();
      for (const place of places)
        await expectThrows(
          () => place.store.withNamespace("later"),
          "KV_CLOSED",
          `withNamespace of ${place.name}`,
        );
    },
  },
];

function namespacesOf(store: FullStore): readonly [child: Closed, grandchild: Closed] {
  const child = store.withNamespace("child");
  return [
    { name: "a namespace", store: child, rule: "L1" },
    { name: "a namespace of it", store: child.withNamespace("grandchild"), rule: "L1" },
  ];
}

function listingsOf(
  store: FullStore,
  namespaced: boolean,
): (readonly [method: string, list: () => AsyncIterable<unknown>])[] {
  return [
    ["keys", () => store.keys()],
    ["keys with a prefix", () => store.keys({ prefix: "" })],
    ["entries", () => store.entries()],
    ["entries with a prefix", () => store.entries({ prefix: "" })],
    ...(namespaced ? [["namespaces", () => store.namespaces()] as const] : []),
  ];
}

async function expectClosed(
  { name, store, rule }: Closed,
  calls: readonly (readonly [method: string, call: Call])[],
  when: string,
): Promise<void> {
  await underRule(rule, () =>
    Promise.all(
      calls.map(([method, { call }]) =>
        expectRejects(() => call(store, "key"), "KV_CLOSED", `${method} of ${name}, ${when}`),
      ),
    ),
  );
}

async function nothing(): Promise<number> {
  return 0;
}
