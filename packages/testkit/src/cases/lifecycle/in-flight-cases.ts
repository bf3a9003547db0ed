import type { FullStore } from "@kv/core";
import type { ContractCase, Need } from "../../contract/contract-case.ts";
import type { Harness } from "../../contract/harness.ts";
import { expectRejects, expectSame } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import {
  ableCalls,
  addEntry,
  type Call,
  type CallGroup,
  callGroups,
  deleteAllOf,
  expiryCallGroup,
  largeCallGroups,
} from "../shared/all-calls.ts";
import { drain } from "../shared/drain.ts";
import { expectNoError } from "../shared/failure.ts";
import { forEach } from "../shared/for-each.ts";
import { ToldCall, toldCalls } from "../shared/told-call.ts";
import { closeBeside, microtasks } from "./close-beside.ts";

const smallGroups: readonly CallGroup[] = [
  ...callGroups,
  expiryCallGroup,
  { by: " by deleteAll", needs: [], calls: { deleteAll: deleteAllOf(20) } },
];
const groups = [...smallGroups, ...largeCallGroups];

type List = (store: FullStore) => AsyncIterable<unknown>;

const lists: Readonly<Record<string, List>> = {
  keys: (store) => store.keys(),
  "keys with a prefix": (store) => store.keys({ prefix: "key" }),
  entries: (store) => store.entries(),
  "entries with a prefix": (store) => store.entries({ prefix: "key" }),
};
const namespaceLists: Readonly<Record<string, List>> = { namespaces: (store) => store.namespaces() };

/** Calls and listings by the capability that they need, each to be in flight alone: beside others, close may wait for those. */
interface AloneGroup {
  readonly by: string;
  readonly needs: readonly Need[];
  readonly each: readonly ((store: FullStore, depth: number) => Promise<void>)[];
}

const aloneGroups: readonly AloneGroup[] = [
  ...smallGroups.map(aloneCalls),
  aloneListings(" by listings", ["listing"], lists),
  aloneListings(" by a listing of namespaces", ["listing", "namespaces"], namespaceLists),
];

function aloneCalls({ by, needs, calls }: CallGroup): AloneGroup {
  const each = Object.entries(calls).map(
    ([method, call]) =>
      (store: FullStore, depth: number) =>
        closeBesideOne(store, depth, method, call),
  );
  return { by, needs, each };
}

function aloneListings(by: string, needs: readonly Need[], all: Readonly<Record<string, List>>): AloneGroup {
  const each = Object.entries(all).map(
    ([method, list]) =>
      (store: FullStore, depth: number) =>
        closeBesideListing(store, depth, method, list),
  );
  return { by, needs, each };
}

const depthNames = ["in the store itself", "in a namespace", "two namespaces below"];

/** L2: what is in flight at close. */
export const inFlightCases: readonly ContractCase[] = [
  ...[...aloneGroups, ...largeCallGroups.map(aloneCalls)].map(
    ({ by, needs, each }): ContractCase => ({
      rule: "L2",
      title: `close waits for a call in flight${by}, be it the only one, and so does a second close`,
      needs,
      rootOnly: true,
      async run({ separateStore }) {
        await forEach(each, async (make) => make(await separateStore(), 0));
      },
    }),
  ),
  ...aloneGroups.flatMap(({ by, needs, each }): ContractCase[] => [
    {
      rule: "L2",
      title: `close waits for a call in flight in a namespace${by}, be it the only one, and so does a second close`,
      needs: ["namespaces", ...needs],
      rootOnly: true,
      async run({ separateStore }) {
        await forEach([1, 2], async (depth) =>
          forEach(each, async (make) => make(await separateStore(), depth)),
        );
      },
    },
    {
      rule: "L2",
      title: `closing a namespace waits for a call in flight in it or below it${by}, be it the only one`,
      needs: ["namespaces", ...needs],
      rootOnly: true,
      async run({ store }) {
        await forEach([0, 1], async (depth) =>
          forEach(each, async (make, at) => make(store.withNamespace(`${depth} ${at}`), depth)),
        );
      },
    },
  ]),
  ...groups.flatMap(({ by, needs, calls }): ContractCase[] => [
    {
      rule: "L2",
      title: `close waits for every call in flight${by}, which is carried out`,
      needs,
      async run({ store }) {
        const told = toldCalls(Object.entries(calls), 1);
        await prepareAll(told, store);
        await closeBesideAll(store, told, () => store);
      },
    },
    {
      rule: "L2",
      title: `what was in flight at close${by} is done for another handle`,
      needs: ["openAgain", ...needs],
      async run({ store, reopen }) {
        const told = toldCalls(Object.entries(calls), 1);
        await prepareAll(told, store);
        await closeBesideAll(store, told, () => store);
        const other = await reopen();
        await Promise.all(told.map((each) => each.look(other)));
      },
    },
  ]),
  {
    rule: "L2",
    title: "close waits for the calls in flight in its namespaces, which are carried out",
    needs: ["namespaces"],
    async run({ store, harness }) {
      const { told, storeFor } = await prepareBelow(store, harness);
      await closeBesideAll(store, told, storeFor);
    },
  },
  {
    rule: "L2",
    title: "closing a namespace waits for the calls in flight in it and below it, which are carried out",
    needs: ["namespaces"],
    async run({ store, harness }) {
      const { child, told, storeFor } = await prepareBelow(store, harness);
      await closeBesideAll(child, told, storeFor);
      const again = store.withNamespace("child");
      const placesAgain = [again, again.withNamespace("grandchild")] as const;
      await Promise.all(told.map((each) => each.look(placesAgain[each.at % 2] ?? again)));
    },
  },
  {
    rule: "L2",
    title: "a listing in flight at close comes to its whole end, or rejects with KV_CLOSED",
    needs: ["listing"],
    async run({ store, harness }) {
      const keys = Array.from({ length: 50 }, (_, at) => `key ${at}`);
      await Promise.all(keys.map((key) => addEntry(store, key)));
      const namespaced = harness.capabilities.includes("namespaces");
      if (namespaced) await Promise.all(keys.map((key) => addEntry(store.withNamespace(key), "key")));
      const all = { ...lists, ...(namespaced && namespaceLists) };
      const listings = Object.entries(all).flatMap(([method, list]) =>
        [0, 1].map((before) => ({
          method,
          before,
          listing: list(store)[Symbol.asyncIterator](),
          seen: new Set<unknown>(),
        })),
      );
      await Promise.all(
        listings.map(async ({ before, listing, seen }) => {
          if (before === 0) return;
          const { value } = (await listing.next()) as IteratorYieldResult<unknown>;
          seen.add(Array.isArray(value) ? value[0] : value);
        }),
      );
      const draining = inFlight(listings.map(({ listing, seen }) => drain(listing, seen)));
      const [closed, ...drained] = await Promise.allSettled([store.close(), ...draining]);
      expectNoError([closed]);
      for (const [at, { method, before, seen }] of listings.entries()) {
        const ended = drained[at];
        const what = `${method}, in flight at close, ${before} read before`;
        if (ended?.status === "rejected")
          await expectRejects(() => Promise.reject(ended.reason), "KV_CLOSED", what);
        else expectSame(seen.size, keys.length, `${what}: how many have come at its end`);
      }
    },
  },
];

/** Prepares every call twice: in a child and below it. */
async function prepareBelow(
  store: FullStore,
  harness: Harness,
): Promise<{ child: FullStore; told: ToldCall[]; storeFor: (call: ToldCall) => FullStore }> {
  const child = store.withNamespace("child");
  const places = [child, child.withNamespace("grandchild")] as const;
  const told = toldCalls(ableCalls(harness, callGroups), 2);
  const storeFor = ({ at }: ToldCall): FullStore => places[at % 2] ?? child;
  await Promise.all(told.map((each) => each.prepare(storeFor(each))));
  return { child, told, storeFor };
}

async function prepareAll(told: readonly ToldCall[], store: FullStore): Promise<void> {
  await Promise.all(told.map((each) => each.prepare(store)));
}

/** Makes a call in a namespace so deep below a store, closes the store, and expects that the call was carried out before. */
async function closeBesideOne(store: FullStore, depth: number, method: string, call: Call): Promise<void> {
  const told = new ToldCall(call, method, depth);
  const place = below(store, depth);
  await told.prepare(place);
  await closeBeside(store, [told.make(place)], `${method}, ${depthNames[depth]}`);
  told.expectDone();
}

/** The same for the first item of a listing, which may be withheld. */
async function closeBesideListing(
  store: FullStore,
  depth: number,
  method: string,
  list: List,
): Promise<void> {
  const place = below(store, depth);
  await addEntry(place, "key");
  if (method === "namespaces") await addEntry(place.withNamespace("name"), "key");
  const listing = list(place)[Symbol.asyncIterator]();
  const first = Promise.allSettled([listing.next()]);
  await microtasks(); // before that it need not have asked for anything
  const what = `${method}, ${depthNames[depth]}`;
  await closeBeside(store, [first], what);
  const [next] = await first;
  if (next.status === "rejected") await expectRejects(() => Promise.reject(next.reason), "KV_CLOSED", what);
  else expectSame(next.value.done ?? false, false, `the end of ${what}`);
}

function below(store: FullStore, depth: number): FullStore {
  return Array.from({ length: depth }).reduce<FullStore>((at) => at.withNamespace("below"), store);
}

/** Closes a store while the calls are in flight, each made at its place, and expects that all were carried out before. */
async function closeBesideAll(
  store: FullStore,
  told: readonly ToldCall[],
  storeFor: (call: ToldCall) => FullStore,
): Promise<void> {
  const made = inFlight(told.map((each) => each.make(storeFor(each)))); // none of them rejects
  await closeBeside(store, made, "every method");
  for (const each of told) each.expectDone();
}
