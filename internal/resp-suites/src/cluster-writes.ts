import { type FullStore, isStoreError, type StoreErrorCode } from "@kv/core";
import {
  type FaultProxy,
  type RunningCluster,
  type RunningServer,
  startCluster,
  until,
} from "@kv/test-servers";
import { describe, expect, test } from "vitest";
import { type ClientLibrary, makeClient } from "./clients.ts";
import type { RespBackend } from "./contract.ts";
import { type Proxies, startProxies } from "./proxies.ts";
import { measureStandstill } from "./recovery-load.ts";

/** Long beyond need: what a test waits for comes sooner, or never. */
const patienceMs = 120_000;
const timeoutsMs = [300, 2_000];
/** Longer than any timeout: what is sent late comes within it. */
const quietMs = 4_000;
/** Longer than clients by themselves try again. */
const downMs = 3_000;
/** What a proxy has answered is read by then, in turns of the event loop that both are in. */
const readWithinTurns = 30;
const tag = "{struck}";

/** Tests writes while a cluster fails: what was rejected stays so, and what can be done is. */
export function testRejectedWrites(
  { kind, open }: Pick<RespBackend, "kind" | "open">,
  library: ClientLibrary,
): void {
  async function startArena(replicas: 0 | 1): Promise<Arena> {
    const cluster = await startCluster({ kind, replicas });
    const proxies = await startProxies(cluster.nodes);
    const tries = watchTries(cluster.nodes.map((node) => proxies.of(node)));
    const stores: FullStore[] = [];
    return {
      cluster,
      proxies,
      triesOf: (value) => tries.get(value) ?? untried,
      slot: await cluster.slotOf(tag),
      master: await cluster.masterOf(tag),
      async openStore(timeoutMs) {
        const ports = cluster.nodes.map((node) => proxies.of(node).port);
        const timeout = `${timeoutMs}ms` as const;
        const client = makeClient(
          library,
          { topology: "cluster", ports },
          { timeout, natMap: proxies.natMap },
        );
        const store = open({ client, closeClient: true, namespace: crypto.randomUUID(), timeout });
        stores.push(store);
        await until("it is connected", patienceMs, () => store.set(tag, "x").then(() => true));
        return store;
      },
      async [Symbol.asyncDispose]() {
        await Promise.allSettled(stores.map((store) => store.close())); // a silent server may hold it up
        await proxies[Symbol.asyncDispose]();
        await cluster.stop();
      },
    };
  }

  describe.concurrent(`${kind}: a write to a cluster that was rejected`, () => {
    for (const { says, replicas, refuses, strike } of troubles)
      test(`S7 is not sent later, nor undoes a newer one, where ${says}`, { timeout: 300_000 }, async () => {
        await using arena = await startArena(replicas);
        const { cluster } = arena;
        const elsewhere = await tagElsewhere(cluster, arena.master);
        const callers: Caller[] = [];
        for (const timeoutMs of timeoutsMs) {
          const store = await arena.openStore(timeoutMs);
          for (const at of [tag, tag, tag, elsewhere])
            callers.push(startCaller(arena, store, { at, timeoutMs }));
        }
        await untilAll("goes on", callers, ({ acknowledged }) => acknowledged > 5);
        const heal = await strike(arena);
        const struckMs = performance.now();
        const struck = callers.filter(({ at }) => at === tag);
        await untilAll("is rejected", struck, (caller) => caller.rejectedSince(struckMs).length > 1);
        await heal();
        await Promise.all(callers.map((caller) => caller.untilRecovered()));
        await Promise.all(callers.map((caller) => caller.end()));
        await new Promise((resolve) => setTimeout(resolve, quietMs));

        const problems = new Set<string>();
        for (const caller of callers) for (const problem of await caller.problems()) problems.add(problem);
        expect(Array.from(problems)).toEqual([]);
        if (refuses) expect(struck.some(({ wasRefused }) => wasRefused)).toBe(true);
      });

    test.each(timeoutsMs)(
      "S7 is not sent to the new master of its slot, where the old one names it later than a timeout of %d ms",
      {
        timeout: 300_000,
      },
      async (timeoutMs) => {
        await using arena = await startArena(0);
        const { cluster, master: from, slot } = arena;
        const store = await arena.openStore(timeoutMs);
        const to = await cluster.masterOf(await tagElsewhere(cluster, from));
        const other = await otherTagAt(cluster, from);
        const values = Array.from({ length: 20 }, () => newValue());
        const proxy = arena.proxies.of(from);
        const heldRead = proxy.holdReply((args) => args.some((arg) => arg.endsWith(other)));
        const heldWrite = proxy.holdReply((args) => values.some((value) => args.includes(value)));
        await cluster.moveSlot(slot, to);

        // An answer half-way: it is not for silence that the connection is given up.
        const read = store.get(other).catch(codeOf);
        const writes = Promise.all(values.map((value) => told(store.set(`${tag} ${value}`, value))));
        await heldRead.reached;
        await new Promise((resolve) => setTimeout(resolve, timeoutMs / 2));
        heldRead.release();
        await heldWrite.reached;
        const outcomes = await writes;
        await turns();
        const sent = new Map(values.map((value) => [value, arena.triesOf(value).sent]));
        await new Promise((resolve) => setTimeout(resolve, timeoutMs / 4));
        heldWrite.release();
        await read;
        await new Promise((resolve) => setTimeout(resolve, quietMs));
        expect(new Set(outcomes)).toEqual(new Set(["KV_OUTCOME_UNKNOWN"]));
        expect(values.filter((value) => arena.triesOf(value).sent !== sent.get(value))).toEqual([]);
        const found = await store.getMany(values.map((value) => `${tag} ${value}`));
        expect(found.filter((value) => value !== undefined)).toEqual([]);
      },
    );
  });

  describe.concurrent(`${kind}: a cluster in part out of order`, () => {
    test.each(timeoutsMs)(
      "S7 a connection to one node that is dead is replaced, and nobody else notices, at a timeout of %d ms",
      {
        timeout: 300_000,
      },
      async (timeoutMs) => {
        await using arena = await startArena(0);
        const { cluster, master } = arena;
        const others = cluster.nodes.filter((node) => node !== master);
        const tags = await Promise.all(others.map((node) => otherTagAt(cluster, node)));
        const store = await arena.openStore(timeoutMs);
        const callers = [tag, tag, ...tags].map((at) => startCaller(arena, store, { at, timeoutMs }));
        await untilAll("goes on", callers, ({ acknowledged }) => acknowledged > 5);
        const proxy = arena.proxies.of(master);
        const { accepted } = proxy.traffic;
        const forgottenMs = performance.now();
        const standstill = measureStandstill();
        proxy.forget();
        await until(
          "the connection is replaced",
          patienceMs,
          () => proxy.traffic.accepted > accepted || undefined,
        );
        await Promise.all(callers.map((caller) => caller.untilRecovered()));
        const tookMs = performance.now() - forgottenMs;
        const stillMs = standstill.totalMs();
        standstill.end();
        await Promise.all(callers.map((caller) => caller.end()));
        const rejected = callers.filter(({ at }) => at !== tag).flatMap((caller) => caller.rejectedSince(0));
        expect(rejected).toEqual([]);
        expect(tookMs).toBeLessThan(timeoutMs + 5_000 + 3 * stillMs);
      },
    );

    test("S7 a call that is made while it is down is done once it is up again, within its timeout", {
      timeout: 300_000,
    }, async () => {
      await using arena = await startArena(0);
      const store = await arena.openStore(patienceMs);
      await store.set(`${tag} read`, "ada");
      const assign = await unassign(arena);
      const value = newValue();
      const calls = Promise.all([
        store.set(`${tag} set`, value),
        store.increment(`${tag} counter`),
        store.get(`${tag} read`).then(textOf),
        store.delete(`${tag} absent`),
        store.setIfAbsent(`${tag} new`, "1"),
      ]);
      await Promise.race([
        calls,
        until("it is refused", patienceMs, () => arena.triesOf(value).refused > 1 || undefined),
      ]);
      await new Promise((resolve) => setTimeout(resolve, downMs));
      await assign();
      const [, counted, ...rest] = await calls;
      expect(counted).toMatchObject({ value: 1 });
      expect(rest).toEqual(["ada", false, true]);
      expect(textOf(await store.get(`${tag} set`))).toBe(value);
    });

    test("S7 a call that is told three times to try again is done, once", {
      timeout: 300_000,
    }, async () => {
      await using arena = await startArena(0);
      const store = await arena.openStore(patienceMs);
      const proxy = arena.proxies.of(arena.master);
      const refused = ["set", "counter"].map((name) =>
        proxy.answer((args) => args.some((arg) => arg.endsWith(`${tag} ${name}`)), tryAgain, 3),
      );
      const [, counted] = await Promise.all([
        store.set(`${tag} set`, "ada"),
        store.increment(`${tag} counter`),
      ]);
      await Promise.all(refused);
      expect(counted).toMatchObject({ value: 1 });
      expect(textOf(await store.get(`${tag} set`))).toBe("ada");
      expect(await store.increment(`${tag} counter`)).toMatchObject({ value: 2 });
    });

    test("S1 S7 A1 while a slot is half moved, and moves on, every call on its keys is done, once", {
      timeout: 300_000,
    }, async () => {
      await using arena = await startArena(0);
      const { cluster, slot, master } = arena;
      const store = await arena.openStore(patienceMs);
      const to = await cluster.masterOf(await tagElsewhere(cluster, master));
      const names = Array.from({ length: 50 }, (_, at) => `${tag} ${at}`);
      const state = { rounds: 0, going: true };

      async function round(): Promise<void> {
        const before = `${state.rounds}`;
        state.rounds += 1;
        const now = `${state.rounds}`;
        const all = <T>(call: (name: string) => Promise<T>): Promise<T[]> => Promise.all(names.map(call));
        expect(await all((name) => store.get(name).then(textOf))).toEqual(names.map(() => before));
        await all((name) => store.set(name, now));
        const counted = await all((name) => store.increment(`${name} counter`));
        expect(counted.map(({ value }) => value)).toEqual(names.map(() => state.rounds));
        expect((await store.getMany(names)).map(textOf)).toEqual(names.map(() => now));
        const fresh = names.map((name) => `${name} at ${now}`);
        await store.setMany(fresh.map((name) => [name, now]));
        expect(await all((name) => store.touch(`${name} at ${now}`, "1h"))).toEqual(names.map(() => true));
        expect(await all((name) => store.take(`${name} at ${now}`).then(textOf))).toEqual(
          names.map(() => now),
        );
        expect(await store.deleteMany(fresh)).toBe(0);
      }

      await store.setMany(names.map((name) => [name, "0"]));
      await round();
      const move = await cluster.beginMove(slot, to);
      await move.moveKeys(names.length); // of twice as many
      await round();
      await round();
      const rounds = (async () => {
        while (state.going) await round();
      })();
      rounds.catch(() => {}); // is looked at below
      for (let times = 0; times < 20; times += 1) await move.moveKeys(5);
      await move.moveKeys();
      await move.finish();
      state.going = false;
      await rounds;
      await round();
      expect(arena.proxies.of(to).traffic.commands["ASKING"]).toBeGreaterThan(0);
      expect(Number(await master.command("CLUSTER", "COUNTKEYSINSLOT", String(slot)))).toBe(0);
    });
  });
}

interface Arena extends AsyncDisposable {
  readonly cluster: RunningCluster;
  readonly proxies: Proxies;
  /** Counts the commands with a value so far. */
  triesOf(value: string): Tries;
  /** Of the tag, and its master at the start. */
  readonly slot: number;
  readonly master: RunningServer;
  /** Opens a store that is connected. */
  openStore(timeoutMs: number): Promise<FullStore>;
}

/** The commands in which a value was sent to any node. */
interface Tries {
  readonly sent: number;
  /** How many of these commands were answered with an error, and of how many the client has read it by now. */
  readonly refused: number;
  readonly read: number;
}

const untried: Tries = { sent: 0, refused: 0, read: 0 };

function watchTries(proxies: readonly FaultProxy[]): ReadonlyMap<string, Tries> {
  const tries = new Map<string, Tries>();
  const change = (args: readonly string[], next: (before: Tries) => Tries): void => {
    const value = args.find((arg) => arg.startsWith("value "));
    if (value !== undefined) tries.set(value, next(tries.get(value) ?? untried));
  };
  for (const proxy of proxies) {
    proxy.onCommand((args) => change(args, (before) => ({ ...before, sent: before.sent + 1 })));
    proxy.onReply((args, reply) => {
      if (!reply.toString("latin1").startsWith("-")) return;
      change(args, (before) => ({ ...before, refused: before.refused + 1 }));
      void turns(readWithinTurns).then(() =>
        change(args, (before) => ({ ...before, read: before.read + 1 })),
      );
    });
  }
  return tries;
}

interface Trouble {
  /** As the title of a test has it. */
  readonly says: string;
  readonly replicas: 0 | 1;
  /** Every try to write to the slot is refused while it lasts. */
  readonly refuses: boolean;
  /** Has it befall the slot; resolves to what ends it. */
  strike(arena: Arena): Promise<() => Promise<unknown>>;
}

const tryAgain = "TRYAGAIN Multiple keys request during rehashing of slot";

const troubles: readonly Trouble[] = [
  { says: "the cluster is down", replicas: 0, refuses: true, strike: unassign },
  {
    says: "it is told to try again",
    replicas: 0,
    refuses: true,
    async strike({ cluster, proxies }) {
      const all = cluster.nodes.map((node) => proxies.of(node));
      const isStruck = (args: readonly string[]): boolean => args.some((arg) => arg.includes(tag));
      for (const proxy of all) void proxy.answer(isStruck, tryAgain, Number.POSITIVE_INFINITY);
      return () => Promise.all(all.map((proxy) => proxy.heal()));
    },
  },
  {
    says: "the master is killed",
    replicas: 1,
    refuses: false,
    async strike({ cluster, master }) {
      await master.kill();
      return () => cluster.untilFailedOver(master);
    },
  },
  {
    says: "the master is stopped, and goes on",
    replicas: 0,
    refuses: false,
    async strike({ cluster, master }) {
      await master.pause();
      return async () => {
        master.resume();
        await cluster.untilReady();
      };
    },
  },
];

/** Leaves the slot to nobody, and with that the cluster down, until what is returned is called. */
async function unassign({ cluster, slot, master }: Arena): Promise<() => Promise<void>> {
  const inOrder = [master, ...cluster.nodes.filter((node) => node !== master)];
  await until("the cluster is down", patienceMs, async () => {
    // Word of the old owner may still be on its way from node to node.
    for (const node of inOrder)
      await node.command("CLUSTER", "DELSLOTS", String(slot)).catch((error: Error) => {
        if (!error.message.includes("already unassigned")) throw error;
      });
    const infos = await Promise.all(inOrder.map((node) => node.command("CLUSTER", "INFO")));
    return infos.every((info) => String(info).includes("cluster_state:fail")) || undefined;
  });
  return async () => {
    await master.command("CLUSTER", "ADDSLOTS", String(slot));
    await cluster.untilReady();
  };
}

/** A caller that sets values, each used once. */
interface Caller {
  /** The hash tag of its keys. */
  readonly at: string;
  readonly acknowledged: number;
  /** The codes of the calls that began from then on and were rejected. */
  rejectedSince(fromMs: number): StoreErrorCode[];
  /** A call was rejected of which every try was refused. */
  readonly wasRefused: boolean;
  /** Waits until a call that begins from now on succeeds. */
  untilRecovered(): Promise<void>;
  /** Makes a last call, which succeeds. */
  end(): Promise<void>;
  /** Tells what is wrong now, in words. */
  problems(): Promise<string[]>;
}

interface Rejected {
  readonly key: string;
  readonly value: string;
  readonly code: StoreErrorCode;
  readonly beganMs: number;
  /** How often it was sent by then. */
  readonly sent: number;
  /** Every try was, some time before. */
  readonly wasRefused: boolean;
}

async function untilAll(
  does: string,
  callers: readonly Caller[],
  holds: (caller: Caller) => boolean,
): Promise<void> {
  await until(`each caller ${does}`, patienceMs, () => callers.every(holds) || undefined);
}

function startCaller(
  { triesOf }: Arena,
  store: FullStore,
  { at, timeoutMs }: { readonly at: string; readonly timeoutMs: number },
): Caller {
  const same = `${at} same ${crypto.randomUUID()}`;
  const rejected = new Map<string, Rejected>();
  const problems = new Set<string>();
  const state = { going: true, acknowledged: 0, lastBeganMs: 0, lastOfSame: "" };

  /** Sets the one key again, or another one. */
  async function call(again: boolean): Promise<boolean> {
    const value = newValue();
    const key = again ? same : `${at} ${value}`;
    const beganMs = performance.now();
    const outcome = await told(store.set(key, value));
    if (outcome === "acknowledged") {
      state.acknowledged += 1;
      state.lastBeganMs = beganMs;
      if (again) state.lastOfSame = value;
      if (again) await lookAtSame();
      return true;
    }
    const { sent, read } = triesOf(value);
    const wasRefused = sent > 0 && sent === read;
    await turns();
    rejected.set(value, { key, value, code: outcome, beganMs, sent: triesOf(value).sent, wasRefused });
    return false;
  }

  async function lookAtSame(): Promise<void> {
    const found = await store.get(same).then(textOf, () => undefined);
    if (found !== undefined && rejected.has(found))
      problems.add(`At ${timeoutMs} ms a rejected set has undone a newer one that was acknowledged`);
  }

  const running = (async () => {
    for (let nth = 0; state.going; nth += 1) {
      await call(nth % 2 === 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();

  return {
    at,
    get acknowledged() {
      return state.acknowledged;
    },
    rejectedSince: (fromMs) =>
      Array.from(rejected.values())
        .filter(({ beganMs }) => beganMs >= fromMs)
        .map(({ code }) => code),
    get wasRefused() {
      return Array.from(rejected.values()).some((each) => each.wasRefused);
    },
    async untilRecovered() {
      const sinceMs = performance.now();
      await until("it succeeds again", patienceMs, () => state.lastBeganMs >= sinceMs || undefined);
    },
    async end() {
      state.going = false;
      await running;
      await until("its last call succeeds", patienceMs, async () => (await call(true)) || undefined);
    },
    async problems() {
      const all = Array.from(rejected.values());
      const sentLater = all.filter(({ value, sent }) => triesOf(value).sent > sent);
      for (const { code } of sentLater)
        problems.add(`At ${timeoutMs} ms a set was sent after it was ${code}`);
      if (all.some(({ code, wasRefused }) => wasRefused && code === "KV_OUTCOME_UNKNOWN"))
        problems.add(`At ${timeoutMs} ms a set of which every try was refused is KV_OUTCOME_UNKNOWN`);
      const notDone = all.filter(({ code, key }) => code !== "KV_OUTCOME_UNKNOWN" && key !== same);
      const found = await store.getMany(notDone.map(({ key }) => key));
      for (const [nth, { code }] of notDone.entries())
        if (found[nth] !== undefined) problems.add(`At ${timeoutMs} ms a set that was ${code} was done`);
      const last = textOf(await store.get(same));
      if (last !== state.lastOfSame)
        problems.add(`At ${timeoutMs} ms a key holds ${last} in place of ${state.lastOfSame}`);
      return Array.from(problems);
    },
  };
}

/** A hash tag that another master serves. */
function tagElsewhere(cluster: RunningCluster, master: RunningServer): Promise<string> {
  return tagWhere(async (each) => (await cluster.masterOf(each)) !== master);
}

/** A hash tag of another slot that this master serves. */
function otherTagAt(cluster: RunningCluster, master: RunningServer): Promise<string> {
  return tagWhere(async (each) => (await cluster.masterOf(each)) === master);
}

async function tagWhere(fits: (each: string) => Promise<boolean>): Promise<string> {
  for (let at = 0; ; at += 1) {
    const each = `{${at}}`;
    if (await fits(each)) return each;
  }
}

function newValue(): string {
  return `value ${crypto.randomUUID()}`;
}

async function told(call: Promise<unknown>): Promise<"acknowledged" | StoreErrorCode> {
  return call.then(() => "acknowledged" as const, codeOf);
}

function codeOf(error: unknown): StoreErrorCode {
  if (!isStoreError(error)) throw error;
  return error.code;
}

/** Lets all that was sent come to the proxies, which are in this process. */
async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
