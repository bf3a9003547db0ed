import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import { inFlight } from "../../support/in-flight.ts";
import { realMs } from "../../support/real-time.ts";
import {
  ableCalls,
  type Call,
  type CallGroup,
  callGroups,
  deleteAllOf,
  largeCallGroups,
  wideCallGroups,
} from "../shared/all-calls.ts";
import { storeOf } from "../shared/concurrently.ts";
import { lookTwice, ToldCall, toldCalls } from "../shared/told-call.ts";

/** More than a store can do within its `timeout`. */
interface Overload {
  /** Begins a title. */
  readonly when: string;
  readonly timeoutMs: number;
  /** The number of keys that are to be changed, by calls that are not awaited. */
  readonly keys: number;
  /** The number of handles, of two, that have been used before. */
  readonly opened: 0 | 1 | 2;
  /** The turns of the event loop before each time that it stands still. */
  readonly stalls: readonly number[];
  /** The time that it then stands still: much longer than the timeout, for a store may have patience beyond it. */
  readonly stallMs: number;
}

const overloads: readonly Overload[] = [
  {
    when: "while the event loop stands still",
    timeoutMs: 50,
    keys: 300,
    opened: 1,
    stalls: [0],
    stallMs: 400,
  },
  {
    when: "where there is no time for all calls",
    timeoutMs: 5,
    keys: 1_500,
    opened: 1,
    stalls: [],
    stallMs: 0,
  },
];

const stalled = { timeoutMs: 20, keys: 150, stallMs: 150 } as const;

/** The same for all methods together, at other moments. */
const wideOverloads: readonly Overload[] = [
  {
    ...stalled,
    when: "where the event loop stands still before the store has connected",
    opened: 0,
    stalls: [0],
  },
  {
    ...stalled,
    when: "where the event loop stands still between request and reply",
    opened: 2,
    stalls: [1],
  },
  { ...stalled, when: "where the event loop stands still twice", opened: 1, stalls: [0, 1] },
  {
    when: "where there is time for some calls only",
    timeoutMs: 5,
    keys: 300,
    opened: 1,
    stalls: [],
    stallMs: 0,
  },
];

/** S7: what a store had no time for, and says so of, it does not do later. */
export const overloadCases: readonly ContractCase[] = [
  ...overloads.flatMap((overload) => callGroups.map((group) => caseOf(overload, group))),
  ...wideOverloads.map(wideCaseOf),
  {
    rule: "S7",
    title:
      "where the event loop stands still deleteAll of the whole place is done, or rejected and not done later",
    needs: ["openImpatient"],
    rootOnly: true,
    async run(context) {
      const { store } = context;
      for (const overload of wideOverloads.slice(0, 2)) {
        await store.deleteAll();
        const told = new ToldCall(deleteAllOf(20), "deleteAll", 0);
        await told.prepare(store);
        const others = Array.from(
          { length: 100 },
          (_, at): Troubled => ({
            at,
            make: async (impatient) => {
              await Promise.allSettled([impatient.exists(`missing ${at}`)]);
            },
          }),
        );
        await trouble(context, overload, [...others, told, ...others]);
        await lookTwice([told], store, context);
        if (told.outcome === "unknown") return; // it may yet take effect, and spoil the next round
      }
    },
  },
];

function caseOf(overload: Overload, { by, needs, calls }: CallGroup): ContractCase {
  return {
    rule: "S7",
    title: `${overload.when} what is rejected as not done${by} is not done later, and what is not rejected is done`,
    needs: ["openImpatient", ...needs],
    rootOnly: true,
    run: async (context) => tryCalls(context, overload, toldWithin(overload.keys, Object.entries(calls))),
  };
}

function wideCaseOf(overload: Overload): ContractCase {
  return {
    rule: "S7",
    title: `${overload.when} every call is done and right, or rejected and not done later`,
    needs: ["openImpatient"],
    rootOnly: true,
    async run(context) {
      const { harness } = context;
      const small = ableCalls(harness, [...callGroups, ...wideCallGroups]);
      const told = toldWithin(overload.keys, small);
      await tryCalls(context, overload, [...told, ...toldCalls(ableCalls(harness, largeCallGroups), 1)]);
    },
  };
}

/** As many of each as change so many keys in all. */
function toldWithin(keys: number, calls: readonly (readonly [method: string, call: Call])[]): ToldCall[] {
  const keysOfAll = calls.reduce((count, [, call]) => count + (call.keys ?? 1), 0);
  return toldCalls(calls, Math.floor(keys / keysOfAll));
}

async function tryCalls(context: CaseContext, overload: Overload, told: readonly ToldCall[]): Promise<void> {
  const { store } = context;
  await Promise.all(told.map((each) => each.prepare(store)));
  await trouble(context, overload, told);
  await lookTwice(told, store, context);
}

/** Makes the call, on the first of two handles, and never rejects. */
type Troubled = Pick<ToldCall, "at" | "make">;

/** Makes all of them, half of them a turn later than the others, and has the event loop stand still. */
async function trouble(
  { store, impatient, clock, tally, note }: CaseContext,
  { timeoutMs, opened, stalls, stallMs }: Overload,
  calls: readonly Troubled[],
): Promise<void> {
  const handles = [await impatient(timeoutMs), await impatient(timeoutMs)] as const;
  await Promise.allSettled(handles.slice(0, opened).map((handle) => handle.exists("key")));
  const settled: Promise<void>[] = [];
  for (const turn of [0, 1]) {
    await clock.sleep(0);
    for (const each of calls.filter(({ at }) => at % 2 === turn))
      settled.push(inFlight(each.make(storeOf(handles, Math.floor(each.at / 2)), store)));
  }
  for (const turns of stalls) {
    for (let count = 0; count < turns; count += 1) await clock.sleep(0);
    note(`the event loop stands still for ${stallMs} ms`);
    tally("faults");
    standStill(stallMs);
  }
  await Promise.all(settled);
}

function standStill(ms: number): void {
  const untilMs = realMs() + ms;
  while (realMs() < untilMs); // nothing else happens in the process
}
