import type { FullStore } from "@kv/core";
import { yieldToEventLoop } from "@kv/core/driver";
import type { CaseContext, ContractCase, Need } from "../../contract/contract-case.ts";
import type { Capability } from "../../contract/harness.ts";
import { expectSame } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import {
  addEntry,
  type CallGroup,
  callGroups,
  deleteAllOf,
  largeCallGroups,
  wideCallGroups,
} from "../shared/all-calls.ts";
import { drain } from "../shared/drain.ts";
import { expectFailure } from "../shared/failure.ts";
import { lookTwice, ToldCall, toldCalls } from "../shared/told-call.ts";

/** The shortest waits after which the backend fails, one moment after the other: a millisecond each, or a little more. */
const moments = [0, 1, 3];

/** The turns of the event loop after which it fails: many of them pass in a millisecond. */
const eventLoopTurns = [2, 5];

/** Something that lists many. */
interface Listing {
  readonly needs?: readonly Need[];
  /** Lays down what it lists, and returns how many there are. */
  readonly add: (store: FullStore, capabilities: readonly Capability[]) => Promise<number>;
  readonly list: (store: FullStore) => AsyncIterable<unknown>;
}

const names = Array.from({ length: 100 }, (_, at) => `name ${at}`);
const keys = Array.from({ length: 1_500 }, (_, at) => `key ${at}`);

const listings: Readonly<Record<string, Listing>> = {
  keys: { add: addKeys, list: (store) => store.keys() },
  "keys with a prefix": { add: addKeys, list: (store) => store.keys({ prefix: "key" }) },
  entries: { add: addKeys, list: (store) => store.entries() },
  "entries with a prefix": { add: addKeys, list: (store) => store.entries({ prefix: "key" }) },
  namespaces: {
    needs: ["namespaces"],
    add: addNames,
    list: (store) => store.namespaces(),
  },
};

/** S7: the backend fails while something is in flight. */
export const midwayFailureCases: readonly ContractCase[] = [
  ...[...callGroups, ...wideCallGroups].map((group) => inFlightCase(group, 2, moments)),
  ...largeCallGroups.map(aloneCase),
  {
    rule: "S7",
    title: "where the backend fails while deleteAll is in flight it is done, or rejected and not done later",
    needs: ["fail"],
    async run(context) {
      const { store } = context;
      const rounds = [
        ...moments.map((turns) => ({ turns, turn: undefined })),
        ...eventLoopTurns.map((turns) => ({ turns, turn: yieldToEventLoop })),
      ];
      for (const { turns, turn } of rounds) {
        await store.deleteAll();
        const told = new ToldCall(deleteAllOf(40), "deleteAll", 0);
        await told.prepare(store);
        await failWhile(context, turns, [told], turn);
        await lookTwice([told], store, context);
        if (told.outcome === "unknown") return; // it may yet take effect, and spoil the next round
      }
    },
  },
  ...Object.entries(listings).map(([method, listing]) => listingCase(method, listing)),
];

function inFlightCase(
  { by, needs, calls }: CallGroup,
  count: number,
  rounds: readonly number[],
): ContractCase {
  return {
    rule: "S7",
    title: `where the backend fails while calls are in flight${by} each is done and right, or rejected and not done later`,
    needs: ["fail", ...needs],
    waits: true,
    async run(context) {
      const { store } = context;
      const told = toldCalls(Object.entries(calls), count * rounds.length);
      await Promise.all(told.map((each) => each.prepare(store)));
      for (const [round, turns] of rounds.entries())
        await failWhile(
          context,
          turns,
          told.filter(({ at }) => at % rounds.length === round),
        );
      await lookTwice(told, store, context);
    },
  };
}

/** Each call alone: beside others it may be the first to fail, and never fails in its middle. */
function aloneCase({ by, needs, calls }: CallGroup): ContractCase {
  return {
    rule: "S7",
    title: `where the backend fails while a call is in flight alone${by} it is done and right, or rejected and not done later`,
    needs: ["fail", ...needs],
    rootOnly: true,
    waits: true,
    async run(context) {
      const { store } = context;
      const told = toldCalls(Object.entries(calls), eventLoopTurns.length);
      await Promise.all(told.map((each) => each.prepare(store)));
      for (const each of told)
        await failWhile(context, eventLoopTurns[each.at] ?? 0, [each], yieldToEventLoop);
      await lookTwice(told, store, context);
    },
  };
}

/** Makes calls, has the backend fail while they are in flight, and lets it work again when all have settled. */
async function failWhile(
  { store, fail, clock }: CaseContext,
  turns: number,
  calls: readonly ToldCall[],
  turn: () => Promise<void> = () => clock.sleep(0),
): Promise<void> {
  const settled = inFlight(calls.map((each) => each.make(store))); // none of them rejects
  for (let count = 0; count < turns; count += 1) await turn();
  const recover = await fail();
  await Promise.all(settled);
  await recover();
}

function listingCase(method: string, { needs = [], add, list }: Listing): ContractCase {
  return {
    rule: "S7",
    title: `where the backend fails in the middle of ${method} they reject, and do not end as if that were all`,
    needs: ["fail", "listing", ...needs],
    async run({ store, fail, harness }) {
      const all = await add(store, harness.capabilities);
      for (const before of [0, 1, all / 2]) {
        const listing = list(store)[Symbol.asyncIterator]();
        const seen = new Set<unknown>();
        for (let count = 0; count < before; count += 1) {
          const next = await listing.next();
          expectSame(next.done ?? false, false, `${method}: an end after ${count} of ${all}`);
          seen.add(Array.isArray(next.value) ? next.value[0] : next.value);
        }
        const recover = await fail();
        const [ended] = await Promise.allSettled([drain(listing, seen)]);
        if (ended.status === "rejected") await expectFailure(() => Promise.reject(ended.reason), method);
        // What was read before may still come, and all of it may have been.
        else expectSame(seen.size, all, `${method} that end after the backend failed: how many have come`);
        await recover();
        const later = new Set<unknown>();
        await drain(list(store)[Symbol.asyncIterator](), later);
        expectSame(later.size, all, `${method} after the backend works again: how many`);
      }
    },
  };
}

/** Adds entries, as many as take more than one page, and returns how many. */
async function addKeys(store: FullStore, capabilities: readonly Capability[]): Promise<number> {
  if (!capabilities.includes("batch")) {
    await Promise.all(keys.slice(0, 100).map((key) => addEntry(store, key)));
    return 100;
  }
  await store.setMany(keys.map((key) => [key, "value"]));
  return keys.length;
}

async function addNames(store: FullStore): Promise<number> {
  await Promise.all(names.map((name) => addEntry(store.withNamespace(name), "key")));
  return names.length;
}
