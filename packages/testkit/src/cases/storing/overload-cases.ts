import type { FullStore } from "@kv/core";
import type { ContractCase, Need } from "../../contract/contract-case.ts";
import { expectSame, expectTrue } from "../../support/expect.ts";
import { realMs } from "../../support/real-time.ts";
import { storeOf } from "../shared/concurrently.ts";
import { expectFailure, wasNotDone } from "../shared/failure.ts";

/** More than a store can do within its `timeout`. */
interface Overload {
  /** Begins a title. */
  readonly when: string;
  readonly timeoutMs: number;
  /** How many keys are to be changed, by calls that are not awaited. */
  readonly keys: number;
  /** How long the event loop then stands still. */
  readonly standsStillMs: number;
}

/** Calls that change something, by the capability that they need. */
interface ChangeCase {
  /** In the middle of a title. */
  readonly by: string;
  readonly needs: readonly Need[];
  readonly changes: Readonly<Record<string, Change>>;
}

/** A call, each time on a key of its own. */
interface Change {
  /** Lays down what the call finds. Default: an entry of 0 that lives for an hour. */
  readonly before?: (store: FullStore, key: string) => Promise<unknown>;
  readonly call: (store: FullStore, key: string) => Promise<unknown>;
  /** How many keys the call has changed; where it counts, how often. */
  readonly done: (store: FullStore, key: string) => Promise<number>;
  /** The number of keys that it is to change. Default: 1. */
  readonly keys?: number;
  /** A batch is not atomic (S5): some of its keys may be done where it rejects. */
  readonly inParts?: boolean;
  /** It counts how often it is made. Where it was not done, it is made again immediately. */
  readonly counts?: boolean;
}

const overloads: readonly Overload[] = [
  // Still for much longer than the timeout: a store may have patience beyond it.
  { when: "while the event loop stands still", timeoutMs: 50, keys: 300, standsStillMs: 400 },
  { when: "where there is no time for all calls", timeoutMs: 5, keys: 1_500, standsStillMs: 0 },
];

const allChanges: readonly ChangeCase[] = [
  {
    by: "",
    needs: [],
    changes: {
      set: { call: (store, key) => store.set(key, "written"), done: written },
      "set with keepExpiry": {
        call: (store, key) => store.set(key, "written", { keepExpiry: true }),
        done: written,
      },
      delete: { call: (store, key) => store.delete(key), done: gone },
      touch: { call: (store, key) => store.touch(key, "2h"), done: renewed },
      "get with renewFor": { call: (store, key) => store.get(key, { renewFor: "2h" }), done: renewed },
    },
  },
  {
    by: " by deleteAll of a namespace",
    needs: ["namespaces"],
    changes: {
      deleteAll: {
        before: (store, key) => addEntries(store.withNamespace(key), "entry"),
        call: (store, key) => store.withNamespace(key).deleteAll(),
        done: (store, key) => sum(keysOf("entry").map((each) => gone(store.withNamespace(key), each))),
        keys: 2,
      },
    },
  },
  {
    by: " by batches",
    needs: ["batch"],
    changes: {
      setMany: {
        call: (store, key) => store.setMany(keysOf(key).map((each) => [each, "written"])),
        done: (store, key) => sum(keysOf(key).map((each) => written(store, each))),
        keys: 2,
        inParts: true,
      },
      deleteMany: {
        before: addEntries,
        call: (store, key) => store.deleteMany(keysOf(key)),
        done: (store, key) => sum(keysOf(key).map((each) => gone(store, each))),
        keys: 2,
        inParts: true,
      },
    },
  },
  {
    by: " by atomic steps",
    needs: ["atomic"],
    changes: {
      increment: {
        call: (store, key) => store.increment(key),
        done: async (store, key) => Number(await textOf(store, key)),
        counts: true,
      },
      setIfAbsent: {
        before: async () => {},
        call: (store, key) => store.setIfAbsent(key, "written"),
        done: written,
      },
      compareAndSet: { call: (store, key) => store.compareAndSet(key, "0", "written"), done: written },
      compareAndDelete: { call: (store, key) => store.compareAndDelete(key, "0"), done: gone },
      take: { call: (store, key) => store.take(key), done: gone },
    },
  },
];

/** S7: what a store had no time for, and says so of, it does not do later. */
export const overloadCases: readonly ContractCase[] = overloads.flatMap((overload) =>
  allChanges.map((changes) => caseOf(overload, changes)),
);

function caseOf(
  { when, timeoutMs, keys, standsStillMs }: Overload,
  { by, needs, changes }: ChangeCase,
): ContractCase {
  return {
    rule: "S7",
    title: `${when} what is rejected as not done${by} is not done later, and what is not rejected is done`,
    needs: ["openImpatient", ...needs],
    rootOnly: true,
    async run({ store, impatient, clock }) {
      const methods = Object.entries(changes);
      const keysOfAll = methods.reduce((count, [, change]) => count + (change.keys ?? 1), 0);
      const made = Array.from({ length: keys / keysOfAll }, (_, at) =>
        methods.map(([method, change]) => new Made(change, method, at)),
      ).flat();
      await Promise.all(made.map((each) => each.prepare(store)));

      // One that is open and one that has yet to open; half of the calls are a turn older than the others.
      const handles = [await impatient(timeoutMs), await impatient(timeoutMs)] as const;
      await Promise.allSettled([handles[0].exists("key")]);
      const settled: Promise<void>[] = [];
      for (const turn of [0, 1]) {
        await clock.sleep(0);
        for (const each of made.filter(({ at }) => at % 2 === turn))
          settled.push(each.call(storeOf(handles, Math.floor(each.at / 2)), store));
      }
      standStill(standsStillMs);
      await Promise.all(settled);

      await Promise.all(made.map((each) => each.look(store)));
      await clock.sleep(100); // what waits in a queue comes late
      await Promise.all(made.map((each) => each.look(store)));
    },
  };
}

/** One call that was made, and what was told of it. */
class Made {
  readonly at: number;
  readonly #change: Change;
  readonly #method: string;
  readonly #key: string;
  #outcome: "done" | "not done" | "unknown" = "unknown";
  #told = "";
  #seen: number | undefined;

  constructor(change: Change, method: string, at: number) {
    this.#change = change;
    this.#method = method;
    this.#key = `${method} ${at}`;
    this.at = at;
  }

  async prepare(store: FullStore): Promise<void> {
    await (this.#change.before ?? addEntry)(store, this.#key);
  }

  /** Rejects only where the call fails in a way in which no call may. */
  async call(impatient: FullStore, patient: FullStore): Promise<void> {
    const [settled] = await Promise.allSettled([this.#change.call(impatient, this.#key)]);
    if (settled.status === "fulfilled") {
      this.#outcome = "done";
      this.#told = "that was not rejected";
      return;
    }
    const error = await expectFailure(() => Promise.reject(settled.reason), this.#method);
    this.#told = `that was rejected with ${error.code}`;
    if (!wasNotDone(error)) return;
    if (this.#change.counts === true) {
      await this.#change.call(patient, this.#key);
      this.#outcome = "done";
      this.#told += " and made again";
    } else this.#outcome = "not done";
  }

  async look(store: FullStore): Promise<void> {
    const { keys = 1, inParts = false, done } = this.#change;
    const count = await done(store, this.#key);
    const what = `on how many keys ${this.#method} is done ${this.#told}`;
    if (this.#outcome === "done") expectSame(count, keys, what);
    else if (this.#outcome === "unknown")
      expectTrue(count <= keys, `${what}: at most ${keys}`, String(count));
    else if (!inParts) expectSame(count, 0, what);
    else if (this.#seen === undefined) expectTrue(count < keys, `${what}: fewer than ${keys}`, String(count));
    else expectSame(count, this.#seen, `${what}, later`);
    this.#seen = count;
  }
}

function standStill(ms: number): void {
  const untilMs = realMs() + ms;
  while (realMs() < untilMs); // nothing else happens in the process
}

async function addEntry(store: FullStore, key: string): Promise<void> {
  await store.set(key, "0", { expiresIn: "1h" });
}

async function addEntries(store: FullStore, key: string): Promise<void> {
  await Promise.all(keysOf(key).map((each) => addEntry(store, each)));
}

async function written(store: FullStore, key: string): Promise<number> {
  return (await textOf(store, key)) === "written" ? 1 : 0;
}

async function gone(store: FullStore, key: string): Promise<number> {
  return (await store.exists(key)) ? 0 : 1;
}

async function renewed(store: FullStore, key: string): Promise<number> {
  return ((await store.expiresIn(key)) ?? 0) > 3_600 ? 1 : 0;
}

async function textOf(store: FullStore, key: string): Promise<string> {
  return new TextDecoder().decode(await store.get(key));
}

async function sum(numbers: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(numbers)).reduce((one, other) => one + other, 0);
}

function keysOf(key: string): string[] {
  return [key, `${key}, too`];
}
