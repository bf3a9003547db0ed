import { type FullStore, isStoreError, type StoreErrorCode } from "@kv/core";
import {
  type RunningCluster,
  type RunningServer,
  type SlotMove,
  startCluster,
  until,
} from "@kv/test-servers";
import { soak } from "@kv/test-support";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import { type RespBackend } from "./contract.ts";
import { startProxies } from "./proxies.ts";

/** Long beyond need: what a test waits for comes sooner, or never. */
const patienceMs = 120_000;
/** Hash tags, each of which puts its keys into a slot of its own. */
const tags = Array.from({ length: 60 }, (_, at) => `{tag ${at}}`);
/** Enough that SCAN needs several pages for each master. */
const keys = tags.flatMap((tag) => Array.from({ length: 100 }, (_, at) => `${tag} ${at}`));
/** Within the pages of the first master, about half-way, and within those of the last. */
const moments = [1, 2_500, 4_500];

/** Tests listings and deleteAll while slots of a cluster move, and masters change. */
export async function testSlotMoves(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  library: ClientLibrary,
  { newest = false }: { readonly newest?: boolean } = {},
): Promise<void> {
  const cluster = await startCluster(newest ? { kind, release: "newest" } : { kind });
  const title = newest ? `the newest ${kind}` : kind;
  const proxies = await startProxies(cluster.nodes);
  afterAll(async () => {
    await proxies[Symbol.asyncDispose]();
    await cluster.stop();
  });

  function newStore(timeout: "5s" | "1m" = "1m"): { readonly store: FullStore; readonly namespace: string } {
    const target = {
      topology: "cluster",
      ports: cluster.nodes.map((node) => proxies.of(node).port),
    } as const;
    const client = makeClient(library, target, { timeout, natMap: proxies.natMap });
    const namespace = `test-${crypto.randomUUID()}`;
    const store = open({ client, closeClient: true, namespace, timeout });
    onTestFinished(async () => {
      await store.close();
      for (const master of await cluster.masters()) await master.command("FLUSHALL");
    });
    return { store, namespace };
  }

  async function filledStore(): Promise<{ readonly store: FullStore; readonly namespace: string }> {
    const opened = newStore();
    await fill(opened.store);
    return opened;
  }

  /** Counts how often a store has asked for a page. */
  function scans(): number {
    const each = cluster.nodes.map((node) => proxies.of(node).traffic.commands["SCAN"] ?? 0);
    return each.reduce((sum, count) => sum + count, 0);
  }

  /** Holds back the reply to the `nth` SCAN from now on, whichever master it goes to. */
  function holdScan(nth: number): { readonly reached: Promise<void>; release(): void } {
    let seen = 0;
    const held = cluster.nodes.map((node) =>
      proxies.of(node).holdReply(([name]) => {
        if (name?.toUpperCase() !== "SCAN") return false;
        seen += 1;
        return seen === nth;
      }),
    );
    return {
      reached: Promise.race(held.map(({ reached }) => reached)),
      release: () => {
        for (const { release } of held) release();
      },
    };
  }

  /** From each master to the next one, in the order in which they are walked, and from the last to the first; in a soak every way. */
  async function ways(): Promise<Way[]> {
    const masters = await cluster.masters();
    return masters.flatMap((from, at) =>
      masters
        .filter((to, place) => (soak ? to !== from : place === (at + 1) % masters.length))
        .map((to) => ({ from, to, cluster })),
    );
  }

  interface Trial {
    /** The events, by how many keys have come when the listing pauses for one. */
    readonly pauses: ReadonlyMap<number, () => Promise<unknown>>;
    readonly says: string;
  }

  /** Lists, and says what was wrong. */
  async function missedBy(listing: AsyncIterable<string>, { pauses, says }: Trial): Promise<string[]> {
    const missing = new Set(keys);
    let come = 0;
    let scansBefore = scans();
    try {
      for await (const key of listing) {
        missing.delete(key);
        come += 1;
        await pauses.get(come)?.();
        if (pauses.has(come)) scansBefore = scans();
      }
    } catch (error) {
      return [`${codeOf(error)} ${says}`];
    }
    expect(scans(), "it goes on after the pause").toBeGreaterThan(scansBefore);
    return missing.size === 0 ? [] : [`${missing.size} missing ${says}`];
  }

  describe(`${title}: slots move between the pages of a listing, from each master to each other`, () => {
    const listings = {
      keys: (store: FullStore) => store.keys(),
      entries: (store: FullStore) => keysOf(store.entries()),
    };

    test.each(["keys", "entries"] as const)("N6 %s misses nothing", async (name) => {
      const { store } = await filledStore();
      const missed: string[] = [];
      for (const way of await ways())
        for (const moment of moments) {
          const slots = await slotsOf(way, 3);
          const move = async (): Promise<void> => {
            for (const slot of slots) await cluster.moveSlot(slot, way.to);
          };
          const trial = { pauses: new Map([[moment, move]]), says: told(way, moment) };
          missed.push(...(await missedBy(listings[name](store), trial)));
        }
      expect(missed).toEqual([]);
    });

    test("N6 keys misses nothing of a slot that is left half moved", async () => {
      const { store } = await filledStore();
      const moves = newMoves(cluster);
      const missed: string[] = [];
      for (const way of await ways())
        for (const moment of moments) {
          const [slot = 0] = await slotsOf(way, 1);
          const begin = async (): Promise<unknown> => (await moves.begin(slot, way.to)).moveKeys(50);
          const trial = { pauses: new Map([[moment, begin]]), says: told(way, moment) };
          missed.push(...(await missedBy(store.keys(), trial)));
          await moves.finishAll();
        }
      expect(missed).toEqual([]);
    });

    test("N6 keys misses nothing of slots that go and come back", async () => {
      const { store } = await filledStore();
      const missed: string[] = [];
      for (const way of await ways())
        for (const [goes, returns] of pairsOf(moments)) {
          const slots = await slotsOf(way, 3);
          const moveTo = async (to: RunningServer): Promise<void> => {
            for (const slot of slots) await cluster.moveSlot(slot, to);
          };
          const pauses = new Map([
            [goes, () => moveTo(way.to)],
            [returns, () => moveTo(way.from)],
          ]);
          missed.push(...(await missedBy(store.keys(), { pauses, says: told(way, goes, returns) })));
        }
      expect(missed).toEqual([]);
    });

    test.each([50, 100])(
      "N6 keys misses nothing of a slot whose move is cancelled, %d of its 100 keys moved",
      async (count) => {
        const { store } = await filledStore();
        const moves = newMoves(cluster);
        const missed: string[] = [];
        for (const way of await ways())
          for (const [begins, ends] of pairsOf([0, ...moments])) {
            const [slot = 0] = await slotsOf(way, 1);
            const begin = async (): Promise<unknown> => (await moves.begin(slot, way.to)).moveKeys(count);
            const pauses = new Map<number, () => Promise<unknown>>([
              [begins, begin],
              [ends, () => moves.cancelAll()],
            ]);
            if (begins === 0) await begin();
            missed.push(...(await missedBy(store.keys(), { pauses, says: told(way, begins, ends) })));
          }
        expect(missed).toEqual([]);
      },
    );

    test("N6 keys misses nothing where a replica takes over from any of the masters", {
      timeout: 300_000,
    }, async () => {
      const { store } = await filledStore();
      const missed: string[] = [];
      for (const moment of [moments[0] ?? 1, moments.at(-1) ?? 1])
        for (const tag of await tagOfEachMaster(cluster)) {
          await cluster.untilReady();
          const failOver = async (): Promise<unknown> => cluster.failOver(await cluster.masterOf(tag));
          const says = `after ${moment} keys, by a failover at ${tag}`;
          missed.push(...(await missedBy(store.keys(), { pauses: new Map([[moment, failOver]]), says })));
        }
      expect(missed).toEqual([]);
    });
  });

  describe(`${title}: slots move while deleteAll walks, from each master to each other`, () => {
    /** Removes all while something else is done, and says what was wrong. */
    async function leftBy(
      { store, namespace }: { readonly store: FullStore; readonly namespace: string },
      { nthScan, meanwhile, says }: EmptyingTrial,
    ): Promise<string[]> {
      await until("it is filled", patienceMs, () => fill(store).then(() => true));
      const held = holdScan(nthScan);
      const emptied = store.deleteAll();
      emptied.catch(() => {}); // is looked at below
      try {
        await Promise.race([held.reached, endedTooEarly(emptied)]);
        await meanwhile();
      } finally {
        held.release();
      }
      try {
        await emptied;
      } catch (error) {
        return [`${codeOf(error)} ${says}`];
      }
      const left = await serverKeys(cluster, namespace);
      return left.length === 0 ? [] : [`${left.length} left ${says}`];
    }

    interface EmptyingTrial {
      readonly nthScan: number;
      readonly meanwhile: () => Promise<unknown>;
      readonly says: string;
    }

    test("N5 deleteAll leaves nothing behind", { timeout: 300_000 }, async () => {
      const opened = newStore();
      const left: string[] = [];
      for (const way of await ways())
        for (const nthScan of [1, 3, 5]) {
          const slots = await slotsOf(way, 3);
          const meanwhile = async (): Promise<void> => {
            for (const slot of slots) await cluster.moveSlot(slot, way.to);
          };
          left.push(...(await leftBy(opened, { nthScan, meanwhile, says: told(way, nthScan) })));
        }
      expect(left).toEqual([]);
    });

    test("N5 deleteAll leaves nothing of a slot that is left half moved", { timeout: 300_000 }, async () => {
      const opened = newStore();
      const moves = newMoves(cluster);
      const left: string[] = [];
      for (const way of await ways())
        for (const nthScan of [1, 3, 5]) {
          const [slot = 0] = await slotsOf(way, 1);
          const meanwhile = async (): Promise<unknown> => (await moves.begin(slot, way.to)).moveKeys(50);
          left.push(...(await leftBy(opened, { nthScan, meanwhile, says: told(way, nthScan) })));
          await moves.finishAll();
        }
      expect(left).toEqual([]);
    });
  });

  describe(`${title}: slots move one after the other, under writers`, () => {
    const plan = soak ? { listings: 1_000, emptyings: 200 } : { listings: 40, emptyings: 15 };

    test(`N5 N6 S7 of ${plan.listings} listings none misses anything, of ${plan.emptyings} deleteAlls none leaves or takes too much`, {
      timeout: soak ? 1_800_000 : 180_000,
    }, async ({ annotate }) => {
      const { store, namespace } = newStore("5s");
      const children = tags.map((_, at) => `child ${at}`);
      await fill(store);
      // The only key of each is in a slot of its own.
      for (const [at, child] of children.entries()) await store.withNamespace(child).set(tags[at] ?? "", "x");
      const problems: string[] = [];
      const mover = startMover(cluster);
      const writers = startWriters(store);
      const listings = tally();
      const emptyings = tally();

      const listed = [
        { name: "keys", list: () => store.keys(), expected: keys },
        { name: "namespaces", list: () => store.namespaces(), expected: children },
        { name: "entries", list: () => keysOf(store.entries()), expected: keys },
      ] as const;

      async function list(nth: number): Promise<void> {
        const { name, list: begin, expected } = listed[nth % listed.length] ?? listed[0];
        const missing = new Set(expected);
        const { size } = missing;
        let come = 0;
        for await (const item of begin()) {
          missing.delete(item);
          come += 1;
          // A move at least hits each listing.
          if (come === Math.ceil(size / 3) || come === Math.ceil((2 * size) / 3)) await mover.untilOneMore();
        }
        if (missing.size > 0) problems.push(`${name} missed ${missing.size}`);
      }

      interface Emptied {
        readonly path: string;
        /** The keys that it held before, as the servers have them, and those set and acknowledged after. */
        readonly before: readonly string[];
        readonly after: readonly string[];
        readonly outcome: "resolved" | StoreErrorCode;
      }
      const emptied: Emptied[] = [];

      async function empty(nth: number): Promise<void> {
        const name = `emptied ${nth}`;
        const own = store.withNamespace(name);
        const path = `${namespace}/${encodeURIComponent(name)}:`;
        const before = tags.flatMap((tag) => Array.from({ length: 20 }, (_, at) => `${tag} ${at}`));
        await until("it is filled", patienceMs, () =>
          own.setMany(before.map((key) => [key, "x"])).then(() => true),
        );
        const rejected = await own.deleteAll().then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
        const after: string[] = [];
        const later = tags.map((tag) =>
          own.set(`${tag} after`, "x").then(
            () => after.push(`${path}${tag} after`),
            () => {}, // of what was not acknowledged nothing is asked
          ),
        );
        await Promise.all(later);
        const outcome = rejected === undefined ? "resolved" : codeOf(rejected.error);
        emptied.push({ path, before: before.map((key) => path + key), after, outcome });
        if (rejected !== undefined) throw rejected.error;
      }

      await Promise.all([
        listings.run(plan.listings, ["KV_UNAVAILABLE"], list),
        emptyings.run(plan.emptyings, ["KV_UNAVAILABLE", "KV_OUTCOME_UNKNOWN"], empty),
      ]);
      const written = await writers.end();
      const moved = await mover.end();
      const there = new Set(await serverKeys(cluster, namespace));
      const lost = keys.filter((key) => !there.has(`${namespace}:${key}`));
      expect(lost, "the servers themselves lose nothing").toEqual([]);
      for (const { path, before, after, outcome } of emptied) {
        const left = before.filter((key) => there.has(key)).length;
        if (outcome === "resolved" && left > 0) problems.push(`deleteAll of ${path} left ${left}`);
        if (outcome === "KV_UNAVAILABLE" && left < before.length)
          problems.push(`deleteAll of ${path}, not done, has removed ${before.length - left}`);
        const taken = after.filter((key) => !there.has(key)).length;
        if (outcome !== "KV_OUTCOME_UNKNOWN" && taken > 0)
          problems.push(`deleteAll of ${path} took ${taken} that were set later`);
      }
      const summary = `${moved} moves, ${written} writes; listings: ${listings.summary()}; deleteAlls: ${emptyings.summary()}`;
      expect([...problems, ...listings.problems, ...emptyings.problems], summary).toEqual([]);
      expect(listings.completed / plan.listings, summary).toBeGreaterThanOrEqual(0.9);
      expect(emptyings.completed / plan.emptyings, summary).toBeGreaterThanOrEqual(0.9);
      expect(written, summary).toBeGreaterThan(0);
      await annotate(summary);
    });
  });
}

/** From one master to another. */
interface Way {
  readonly from: RunningServer;
  readonly to: RunningServer;
  readonly cluster: RunningCluster;
}

/** Finds this many slots that hold keys and are served by `from`. */
async function slotsOf({ from, cluster }: Way, count: number): Promise<number[]> {
  const slots: number[] = [];
  for (const tag of tags) {
    if (slots.length === count) break;
    if ((await cluster.masterOf(tag)) === from) slots.push(await cluster.slotOf(tag));
  }
  expect(slots).toHaveLength(count);
  return slots;
}

async function tagOfEachMaster(cluster: RunningCluster): Promise<string[]> {
  const byMaster = new Map<RunningServer, string>();
  for (const tag of tags) byMaster.set(await cluster.masterOf(tag), tag);
  expect(byMaster.size).toBe(3);
  return [...byMaster.values()];
}

function told({ from, to }: Way, ...at: readonly number[]): string {
  return `from ${from.port} to ${to.port} at ${at.join(" and ")}`;
}

function pairsOf(numbers: readonly number[]): [first: number, second: number][] {
  return numbers.flatMap((first, at) =>
    numbers.slice(at + 1).map((second): [number, number] => [first, second]),
  );
}

/** Moves that a test begins. What it leaves half moved is cancelled at its end. */
function newMoves(cluster: RunningCluster): {
  begin(slot: number, to: RunningServer): Promise<SlotMove>;
  finishAll(): Promise<void>;
  cancelAll(): Promise<void>;
} {
  const begun: SlotMove[] = [];
  const cancelAll = async (): Promise<void> => {
    for (const move of begun.splice(0)) await move.cancel();
  };
  onTestFinished(cancelAll);
  return {
    async begin(slot, to) {
      const move = await cluster.beginMove(slot, to);
      begun.push(move);
      return move;
    },
    async finishAll() {
      for (const move of begun.splice(0)) {
        await move.moveKeys();
        await move.finish();
      }
    },
    cancelAll,
  };
}

async function fill(store: FullStore): Promise<void> {
  await store.setMany(keys.map((key) => [key, "x"]));
}

async function* keysOf(entries: AsyncIterable<[key: string, value: Uint8Array]>): AsyncGenerator<string> {
  for await (const [key] of entries) yield key;
}

async function endedTooEarly(call: Promise<void>): Promise<never> {
  await call;
  throw new Error("It ended before the moment that was waited for.");
}

/** Lists the keys that the masters hold of a namespace and below it. */
async function serverKeys(cluster: RunningCluster, namespace: string): Promise<string[]> {
  const found = await Promise.all(
    (await cluster.masters()).map((master) => master.command("KEYS", `${namespace}[:/]*`)),
  );
  return found.flat().map(String);
}

/** Moves one slot after the other, without a pause. */
function startMover(cluster: RunningCluster): {
  untilOneMore(): Promise<void>;
  /** Resolves to how many it has moved. */
  end(): Promise<number>;
} {
  const state = { going: true, moved: 0 };
  const run = async (): Promise<void> => {
    for (let at = 0; state.going; at += 7) {
      const tag = tags[at % tags.length] ?? "";
      const from = await cluster.masterOf(tag);
      const others = (await cluster.masters()).filter((master) => master !== from);
      await cluster.moveSlot(await cluster.slotOf(tag), others[at % others.length] ?? from);
      state.moved += 1;
    }
  };
  const moving = run();
  moving.catch(() => {}); // whoever waits for the next or the last is told
  const end = async (): Promise<number> => {
    state.going = false;
    await moving;
    return state.moved;
  };
  onTestFinished(async () => {
    await end().catch(() => {});
  });
  return {
    async untilOneMore() {
      const goal = state.moved + 1;
      const arrived = until("a slot has moved", patienceMs, () => (state.moved >= goal ? true : undefined));
      await Promise.race([arrived, moving.then(() => arrived)]);
    },
    end,
  };
}

/** Callers that write and remove keys which nobody asks for, in the slots that move. */
function startWriters(store: FullStore): {
  /** Resolves to how many writes were acknowledged. */
  end(): Promise<number>;
} {
  const state = { going: true, written: 0 };
  const write = async (tag: string): Promise<void> => {
    for (let at = 0; state.going; at += 1) {
      const key = `${tag} written ${at % 50}`;
      const call = at % 3 === 2 ? store.delete(key) : store.set(key, `${at}`);
      await call.then(
        () => {
          state.written += 1;
        },
        () => new Promise((resolve) => setTimeout(resolve, 5)), // as a caller would, before it tries again
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const writing = Promise.all(tags.slice(0, 4).map(write));
  const end = async (): Promise<number> => {
    state.going = false;
    await writing;
    return state.written;
  };
  onTestFinished(async () => {
    await end();
  });
  return { end };
}

interface Tally {
  /** Makes calls one after the other, which may fail with these codes. */
  run(count: number, codes: readonly StoreErrorCode[], call: (nth: number) => Promise<void>): Promise<void>;
  readonly completed: number;
  readonly problems: readonly string[];
  summary(): string;
}

function tally(): Tally {
  const rejections = new Map<string, number>();
  const problems: string[] = [];
  let completed = 0;
  return {
    async run(count, codes, call) {
      for (let nth = 0; nth < count; nth += 1) {
        try {
          await call(nth);
          completed += 1;
        } catch (error) {
          if (!isStoreError(error)) throw error;
          rejections.set(error.code, (rejections.get(error.code) ?? 0) + 1);
          if (!codes.includes(error.code)) problems.push(`It was rejected: ${String(error)}`);
        }
      }
    },
    get completed() {
      return completed;
    },
    problems,
    summary: () =>
      [`${completed} completed`, ...Array.from(rejections, ([code, count]) => `${count} ${code}`)].join(", "),
  };
}

function codeOf(error: unknown): StoreErrorCode {
  if (!isStoreError(error)) throw error;
  return error.code;
}
