import { type FullStore, isStoreError } from "@kv/core";
import { expectCode, outcomeOf, soak, standStill } from "@kv/test-support";
import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { keySlot } from "../src/keys/key-slot.ts";
import { respStore } from "../src/store/resp-store.ts";
import { events, type Happenings, inNoTime, Story } from "./cluster-events.ts";
import { type Delivered, FakeCluster, type FakeNode, SlotMove } from "./fake-cluster.ts";
import type { FakeTransport } from "./fake-transport.ts";

const runs = { numRuns: soak ? 3_000 : 100, includeErrorInReport: true };
const timeout = 3_600_000;

type Size = ConstructorParameters<typeof FakeCluster>[0];

/** Three masters that know each other, and a store that knows none of them yet. */
function clusterOf(
  patience: "100ms" | "300ms" | "2s" | "1m",
  size: Size = {},
): { cluster: FakeCluster; store: FullStore; nodes: readonly [FakeNode, FakeNode, FakeNode, ...FakeNode[]] } {
  const cluster = new FakeCluster(size);
  const store = respStore("fake", { cluster, close: false }, { timeout: patience });
  onTestFinished(async () => {
    for (const node of cluster.nodes) node.serve(); // or it would wait for those that are silent
    await store.close();
  });
  return { cluster, store, nodes: cluster.nodes as never };
}

/** Has a store connect to nodes, and learn who serves what. */
async function known(cluster: FakeCluster, store: FullStore, ...nodes: readonly FakeNode[]): Promise<void> {
  for (const node of nodes) await store.get(cluster.keyAt(node));
}

/** As long as a cluster is asked only once. */
const untilAskedAgain = (): Promise<void> => pause(600);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

const movesAndFailovers: Happenings = {
  cancels: false,
  failovers: "known",
  cuts: false,
  movesOnce: true,
};

describe("S7 calls on keys whose slots move", () => {
  const tags = ["a", "b", "c", "d", "e", "f"];
  const plans = fc.array(
    fc.array(fc.constantFrom("set", "get", "delete", "exists", "setIfAbsent"), { maxLength: 25 }),
    { minLength: tags.length, maxLength: tags.length },
  );
  const orders = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 20 });

  test("all succeed, with the right values", { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(events, orders, plans, async (happening, order, plan) => {
        const cluster = new FakeCluster({ replicas: 1 });
        cluster.takeTurns(order);
        await inNoTime(cluster, async () => {
          const store = respStore("fake", { cluster, close: false }, {});
          const story = new Story(cluster, happening, movesAndFailovers);
          await Promise.all(tags.map((tag, at) => callInTurn(store, `{${tag}}`, plan[at] ?? [])));
          story.end();
          await store.close();
        });
      }),
      runs,
    );
  });

  /** Makes calls on a key, one after the other, and compares each with what it should give. */
  async function callInTurn(store: FullStore, key: string, calls: readonly string[]): Promise<void> {
    let held: string | undefined;
    for (const [at, call] of calls.entries()) {
      const value = `value ${at}`;
      if (call === "set") {
        await store.set(key, value);
        held = value;
      } else if (call === "get") expect(textOf(await store.get(key))).toBe(held);
      else if (call === "exists") expect(await store.exists(key)).toBe(held !== undefined);
      else if (call === "delete") {
        expect(await store.delete(key)).toBe(held !== undefined);
        held = undefined;
      } else {
        expect(await store.setIfAbsent(key, value)).toBe(held === undefined);
        held ??= value;
      }
    }
    expect(textOf(await store.get(key))).toBe(held);
  }

  test("S6 take effect in the order in which they were made, except those that were redirected", {
    timeout,
  }, async () => {
    const calls = fc.array(fc.record({ tag: fc.nat({ max: 2 }), turns: fc.nat({ max: 3 }) }), {
      maxLength: 60,
    });
    const happenings: Happenings = { cancels: false, failovers: "also dead", cuts: true };
    await fc.assert(
      fc.asyncProperty(events, orders, calls, async (happening, order, made) => {
        const cluster = new FakeCluster({ replicas: 1 });
        cluster.takeTurns(order);
        await inNoTime(cluster, async () => {
          const store = respStore("fake", { cluster, close: false }, {});
          const story = new Story(cluster, happening, happenings);
          const sets: Promise<unknown>[] = [];
          for (const [at, { tag, turns }] of made.entries()) {
            sets.push(
              outcomeOf(store.set(`{${tags[tag]}}`, String(at)), "KV_UNAVAILABLE", "KV_OUTCOME_UNKNOWN"),
            );
            for (let waited = 0; waited < turns; waited += 1) {
              await new Promise((resolve) => setImmediate(resolve));
            }
          }
          await Promise.all(sets);
          story.end();
          expectOneConnectionEach(cluster);
          await store.close();
        });
        for (const tag of tags) expectInOrder(cluster.delivered, `KV:{${tag}}`);
      }),
      runs,
    );
  });

  function expectOneConnectionEach({ connections }: FakeCluster): void {
    const open = connections.filter(({ isOpen }) => isOpen).map(({ node }) => node.port);
    expect(open).toEqual([...new Set(open)]);
  }

  /** Of the sets of a key, each with its number as value. */
  function expectInOrder(delivered: readonly Delivered[], key: string): void {
    const sets = delivered.filter(({ name, args }) => name === "set" && args[0] === key);
    const refused = new Set(sets.filter(({ outcome }) => outcome !== "done").map(({ args }) => args[1]));
    const done = sets
      .filter(({ outcome }) => outcome === "done")
      .toSorted((one, other) => one.turn - other.turn)
      .map(({ args: [, number] }) => Number(number));
    for (const [at, number] of done.entries()) {
      const before = done.slice(0, at).filter((other) => other > number);
      // One that was not refused comes after no later one, whatever became of that.
      if (!refused.has(String(number))) expect(before).toEqual([]);
    }
    expect(new Set(done).size).toBe(done.length);
  }

  test("S6 all succeed, in order, where there are many concurrently and their slot has moved", async () => {
    const { cluster, store, nodes } = clusterOf("1m");
    const [from, to] = nodes;
    const key = cluster.keyAt(from);
    await known(cluster, store, from);
    new SlotMove(cluster, keySlot(`KV:${key}`), to).finish();
    const calls = 10_000;
    await Promise.all(Array.from({ length: calls }, (_, at) => store.set(key, String(at))));
    expect(textOf(await store.get(key))).toBe(String(calls - 1));
  });

  test("S6 are in order where some wait until it is known who has taken the place of a node", async () => {
    const { cluster, store, nodes } = clusterOf("1m");
    const [lost, target, other] = nodes;
    await known(cluster, store, lost, target, other);
    await untilAskedAgain();
    const key = cluster.keyAt(lost);
    for (const asked of [target, other]) asked.fallSilent(); // and answer late
    lost.refuse();
    const first = store.set(key, "first");
    const waits = new Promise<void>((resolve) => setTimeout(resolve, 50));
    await waits;
    lost.serve();
    const second = store.set(key, "second");
    await pause(200);
    new SlotMove(cluster, keySlot(`KV:${key}`), target).finish();
    for (const asked of [target, other]) asked.serve();
    await Promise.all([first, second]);
    expect(textOf(await store.get(key))).toBe("second");
  });

  test("are answered by the node that has the key, also where a redirection came to nothing", async () => {
    const { cluster, store, nodes } = clusterOf("1m");
    const [source, target, lagging] = nodes;
    const key = cluster.keyAt(source);
    cluster.put(`KV:${key}`, "there");
    cluster.start = [lagging];
    await known(cluster, store, source, lagging);
    await untilAskedAgain();
    const move = new SlotMove(cluster, keySlot(`KV:${key}`), target).moveKeys();
    target.fallSilent();
    const got = store.get(key);
    await pause(50); // it waits for a connection to the target, where it was to ASK
    move.finishTarget().finishSource();
    void new SlotMove(cluster, move.slot, source);
    await pause(1_000); // others are asked meanwhile, and the one that answers knows of no move
    target.serve();
    expect(textOf(await got)).toBe("there");
  });
});

describe("S7 a write that is refused again and again", () => {
  /** The refusal of each node. */
  const refusals: [what: string, refuse: (slot: number, node: FakeNode, other: FakeNode) => string][] = [
    ["CLUSTERDOWN", () => "CLUSTERDOWN The cluster is down"],
    ["CLUSTERDOWN of its slot", () => "CLUSTERDOWN Hash slot not served"],
    ["TRYAGAIN", () => "TRYAGAIN Multiple keys request during rehashing of slot"],
    ["MOVED in a circle", (slot, _, other) => `MOVED ${slot} ${other.address}`],
    ["MOVED to where it is", (slot, node) => `MOVED ${slot} ${node.address}`],
    ["ASK in a circle", (slot, _, other) => `ASK ${slot} ${other.address}`],
  ];

  test.each(refusals)("by %s is KV_UNAVAILABLE in the end, and never sent again", async (_, refuse) => {
    const { cluster, store, nodes } = clusterOf("300ms");
    const key = cluster.keyAt(nodes[0]);
    await known(cluster, store, nodes[0]);
    refuseSets(nodes, key, refuse);
    await expectCode(store.set(key, "refused"), "KV_UNAVAILABLE");
    const tries = triesOf(cluster, "refused");
    expect(tries.length).toBeGreaterThan(1);
    acceptAll(nodes);
    await pause(500);
    expect(triesOf(cluster, "refused")).toEqual(tries);
    await store.set(key, "new");
    expect(textOf(await store.get(key))).toBe("new");
  });

  test.each(refusals)("by %s is done once it is no more", async (_, refuse) => {
    const { cluster, store, nodes } = clusterOf("1m");
    const key = cluster.keyAt(nodes[0]);
    await known(cluster, store, nodes[0]);
    refuseSets(nodes, key, refuse);
    const written = store.set(key, "in the end");
    await pause(700); // more than a few tries
    acceptAll(nodes);
    await written;
    expect(triesOf(cluster, "in the end").filter(({ outcome }) => outcome === "done")).toHaveLength(1);
  });

  test("is done where its slot is half moved by then", async () => {
    const { cluster, store, nodes } = clusterOf("1m");
    const [source, target] = nodes;
    const key = cluster.keyAt(source);
    await store.set(key, "before");
    new SlotMove(cluster, keySlot(`KV:${key}`), target).moveKeys();
    source.isDown = true;
    const written = store.set(key, "after");
    await pause(800);
    source.isDown = false;
    await written;
    expect(target.keys.get(`KV:${key}`)?.toString()).toBe("after");
  });

  test("has its whole time, though the event loop stands still meanwhile", async () => {
    const { cluster, store, nodes } = clusterOf("300ms");
    const key = cluster.keyAt(nodes[0]);
    await known(cluster, store, nodes[0]);
    nodes[0].isDown = true;
    const written = store.set(key, "1");
    await pause(20);
    standStill(600);
    nodes[0].isDown = false;
    await written;
  });

  function refuseSets(
    nodes: readonly [FakeNode, FakeNode, FakeNode, ...FakeNode[]],
    key: string,
    refuse: (slot: number, node: FakeNode, other: FakeNode) => string,
  ): void {
    const line = (node: FakeNode, other: FakeNode) => (name: string) =>
      name === "set" ? refuse(keySlot(`KV:${key}`), node, other) : undefined;
    for (const node of nodes) node.refusal = line(node, node === nodes[0] ? nodes[1] : nodes[0]);
  }

  function acceptAll(nodes: readonly FakeNode[]): void {
    for (const node of nodes) node.refusal = () => undefined;
  }
});

describe("S7 a write is not sent after it was rejected", () => {
  test("where a MOVED comes late", async () => {
    const { cluster, store, nodes } = clusterOf("300ms");
    const [old, target] = nodes;
    const key = cluster.keyAt(old);
    await known(cluster, store, old, target);
    new SlotMove(cluster, keySlot(`KV:${key}`), target).finish();
    const answer = old.keepBack();
    await expectCode(store.set(key, "late"), "KV_OUTCOME_UNKNOWN");
    answer();
    await pause(500);
    expect(triesOf(cluster, "late").map(({ node }) => node)).toEqual([old]);
  });

  test.each(["MOVED", "ASK"])(
    "where it was sent on by %s to a node that takes no connection",
    async (how) => {
      const { cluster, store, nodes } = clusterOf("300ms");
      const [old, target] = nodes;
      const key = cluster.keyAt(old);
      await known(cluster, store, old);
      const move = new SlotMove(cluster, keySlot(`KV:${key}`), target);
      if (how === "MOVED") move.finish();
      target.fallSilent();
      await expectCode(store.set(key, "late"), "KV_UNAVAILABLE");
      target.serve();
      await pause(500);
      expect(triesOf(cluster, "late").map(({ node }) => node)).toEqual([old]);
    },
  );

  test("where nobody told in time who serves its key", async () => {
    const { cluster, store, nodes } = clusterOf("300ms");
    for (const node of nodes) node.fallSilent();
    await expectCode(store.set("key", "late"), "KV_UNAVAILABLE");
    for (const node of nodes) node.serve();
    await pause(500);
    expect(triesOf(cluster, "late")).toEqual([]);
  });

  test("where the cluster's nodes could be found too late", async () => {
    const { cluster, store } = clusterOf("300ms");
    let find: () => void = () => {};
    const found = new Promise<void>((resolve) => {
      find = resolve;
    });
    cluster.startNodes = async () => {
      await found;
      return cluster.start;
    };
    await expectCode(store.set("key", "late"), "KV_UNAVAILABLE");
    find();
    await pause(500);
    expect(triesOf(cluster, "late")).toEqual([]);
    await store.set("key", "in time");
  });

  /** The events of a node, or a call. */
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ what: fc.constant("set"), node: fc.nat({ max: 2 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        what: fc.constantFrom(
          "down",
          "up",
          "silent",
          "serve",
          "refuse",
          "keep back",
          "answer",
          "cut",
          "move",
        ),
        node: fc.nat({ max: 2 }),
      }),
    },
  );

  test("whatever nodes do, and its code tells what became of it", { timeout }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat({ max: 60 })), { maxLength: 40 }), async (steps) => {
        const cluster = new FakeCluster();
        await inNoTime(cluster, async () => {
          const store = respStore("fake", { cluster, close: false }, { timeout: "100ms" });
          const nodes = cluster.nodes;
          const answers = new Map<FakeNode, () => void>();
          const calls: { value: string; outcome: string; deliveries: number }[] = [];
          const inFlight: Promise<void>[] = [];
          for (const [at, [{ what, node: number }, waitMs]] of steps.entries()) {
            const node = nodes[number] as FakeNode;
            if (what === "set") {
              const value = `value ${at}`;
              const written = store.set(`{${"abc"[number]}}`, value);
              inFlight.push(
                outcomeOf(written, "KV_UNAVAILABLE", "KV_OUTCOME_UNKNOWN").then((outcome) => {
                  const deliveries = triesOf(cluster, value).length;
                  calls.push({ value, outcome: outcome ?? "done", deliveries });
                }),
              );
            } else happen(cluster, what, node, answers);
            if (waitMs > 30) await pause(waitMs);
          }
          await Promise.all(inFlight);
          for (const node of nodes) {
            node.isDown = false;
            answers.get(node)?.();
            node.serve();
          }
          await pause(1_000);
          for (const { value, outcome, deliveries } of calls) {
            const tries = triesOf(cluster, value);
            const done = tries.filter((each) => each.outcome === "done").length;
            expect([value, tries.length]).toEqual([value, deliveries]);
            if (outcome === "done") expect([value, done]).toEqual([value, 1]);
            else if (outcome === "KV_UNAVAILABLE") expect([value, done]).toEqual([value, 0]);
            else expect(done).toBeLessThan(2);
          }
          for (const tag of "abc") await store.set(`{${tag}}`, "works again");
          await store.close();
        });
      }),
      runs,
    );
  });

  function happen(
    cluster: FakeCluster,
    what: string,
    node: FakeNode,
    answers: Map<FakeNode, () => void>,
  ): void {
    if (what === "down" || what === "up") node.isDown = what === "down";
    else if (what === "silent") node.fallSilent();
    else if (what === "serve") node.serve();
    else if (what === "refuse") node.refuse();
    else if (what === "cut") node.cut();
    else if (what === "answer") answers.get(node)?.();
    else if (what === "keep back") {
      answers.get(node)?.();
      answers.set(node, node.keepBack());
    } else {
      const slot = keySlot("a");
      if (cluster.ownerOf(slot) !== node) new SlotMove(cluster, slot, node).finish();
    }
  }
});

describe("S7 a node", () => {
  test.each<[what: string, strike: (node: FakeNode) => void | (() => void)]>([
    ["that is silent", (node) => node.fallSilent()],
    [
      "that takes no connection",
      (node) => {
        node.cut();
        node.fallSilent();
      },
    ],
    ["that refuses connections", (node) => node.refuse()],
    ["that answers late", (node) => node.keepBack()],
  ])("%s keeps nobody waiting on other nodes", async (_, strike) => {
    const { cluster, store, nodes } = clusterOf("1m");
    const [struck, ...others] = nodes;
    await known(cluster, store, ...nodes);
    const heal = strike(struck) ?? (() => struck.serve());
    const waiting = Array.from({ length: 20 }, () => store.get(cluster.keyAt(struck)).catch(() => {}));
    for (let count = 0; count < 50; count += 1) {
      await Promise.all(others.map((node) => store.set(cluster.keyAt(node), String(count))));
    }
    heal();
    await Promise.all(waiting);
  });

  test.each<[what: string, strike: (node: FakeNode) => void]>([
    [
      "that takes no connection",
      (node) => {
        node.cut();
        node.fallSilent();
      },
    ],
    ["that refuses connections", (node) => node.refuse()],
  ])("%s is left for the one that has its slots, without another call", async (_, strike) => {
    const { cluster, store, nodes } = clusterOf("1m", { replicas: 1 });
    const [lost] = nodes;
    const key = cluster.keyAt(lost);
    await store.set(key, "1");
    await known(cluster, store, ...nodes.slice(0, 3));
    await untilAskedAgain();
    strike(lost);
    const got = store.get(key);
    takeThePlaceOf(lost, cluster);
    expect(textOf(await got)).toBe("1");
  });

  test("that has lost its place is left also where it was asked, and owes an answer", async () => {
    const { cluster, store, nodes } = clusterOf("1m", { replicas: 1 });
    const [lost, other, third] = nodes;
    const key = cluster.keyAt(lost);
    cluster.put(`KV:${key}`);
    cluster.start = [lost, other, third];
    lost.fallSilent();
    const got = store.get(key); // asks the lost one first, and then the next, who knows no better yet
    await pause(2_500);
    takeThePlaceOf(lost, cluster);
    expect(textOf(await got)).toBe("1");
  });

  test("that refused connections is found again, also by a call that was held meanwhile", async () => {
    const { cluster, store } = clusterOf("1m", { masters: 1 });
    const [node] = cluster.nodes as [FakeNode];
    await known(cluster, store, node);
    await untilAskedAgain();
    node.refuse();
    const first = outcomeOf(store.get("first"), "KV_UNAVAILABLE");
    await pause(50);
    const second = outcomeOf(store.get("second"), "KV_UNAVAILABLE");
    await pause(300);
    node.serve();
    await Promise.all([first, second]); // neither waits for its deadline
  });

  test.each<[what: string, strike: (node: FakeNode) => void]>([
    ["dead", (node) => node.refuse()],
    ["silent", (node) => node.fallSilent()],
  ])("to start with may be %s, as long as another one answers", async (_, strike) => {
    const { cluster, store, nodes } = clusterOf("2s", { masters: 5 });
    for (const node of nodes.slice(0, 4)) strike(node);
    await store.set(cluster.keyAt(nodes[4] as FakeNode), "1");
  });

  test.each<[what: string, others: (cluster: FakeCluster) => void]>([
    ["is a replica", (cluster) => (cluster.start = cluster.nodes.slice(3))],
    [
      "is in no cluster yet",
      (cluster) => {
        const alone = cluster.nodes[5] as FakeNode;
        alone.owners.fill(undefined);
        cluster.start = [alone, cluster.nodes[4] as FakeNode];
      },
    ],
  ])("to start with does, also where it %s", async (_, arrange) => {
    const { cluster, store, nodes } = clusterOf("2s", { replicas: 1 });
    arrange(cluster);
    for (const node of nodes.slice(0, 3)) await store.set(cluster.keyAt(node), "1");
  });

  test("that is silent does not matter where others could not be reached at first", async () => {
    const { cluster, store, nodes } = clusterOf("1m");
    const [silent, ...others] = nodes;
    silent.fallSilent();
    for (const node of others) node.refuse();
    const got = store.get(cluster.keyAt(nodes[1]));
    await pause(2_500); // all have been asked by then
    for (const node of others) node.serve();
    await got;
  });

  test("is asked though the names of the start nodes are still looked up", async () => {
    const { cluster, store, nodes } = clusterOf("300ms", { replicas: 1 });
    const [lost] = nodes;
    const key = cluster.keyAt(lost);
    await store.set(key, "1");
    await known(cluster, store, ...nodes.slice(0, 3));
    cluster.startNodes = () => new Promise(() => {});
    for (const node of nodes.slice(0, 3)) node.refuse();
    await untilAskedAgain();
    await expectCode(store.get(key), "KV_UNAVAILABLE");
    takeThePlaceOf(lost, cluster);
    for (const node of nodes.slice(1, 3)) node.serve();
    await untilAskedAgain();
    expect(textOf(await store.get(key))).toBe("1");
  });

  test("that was a replica is asked where all masters that are known are gone", async () => {
    const { cluster, store, nodes } = clusterOf("2s", { replicas: 1 });
    const key = cluster.keyAt(nodes[0]);
    await store.set(key, "1");
    for (const node of nodes.slice(0, 3)) {
      takeThePlaceOf(node, cluster);
      node.refuse();
    }
    await untilAskedAgain();
    expect(textOf(await store.get(key))).toBe("1");
  });

  test("to start with is looked up again where all that are known are gone", async () => {
    const { cluster, store, nodes } = clusterOf("2s", { masters: 2, replicas: 1 });
    const key = cluster.keyAt(nodes[0]);
    await store.set(key, "1");
    for (const node of nodes.slice(0, 2)) {
      takeThePlaceOf(node, cluster);
      node.refuse();
    }
    cluster.start = nodes.slice(2);
    await untilAskedAgain();
    expect(textOf(await store.get(key))).toBe("1");
  });
});

describe("L", () => {
  test("L4 a store asks for nothing before its first call", async () => {
    const { cluster } = clusterOf("2s");
    const startNodes = vi.spyOn(cluster, "startNodes");
    await pause(50);
    expect(startNodes).not.toHaveBeenCalled();
    expect(cluster.connections).toEqual([]);
  });

  test("L3 nothing holds the process where no call is in flight", async () => {
    const { cluster, store, nodes } = clusterOf("2s");
    await known(cluster, store, ...nodes);
    await expectNothingHeld(cluster);
    const got = store.get(cluster.keyAt(nodes[0]));
    await new Promise((resolve) => process.nextTick(resolve));
    expect(cluster.connections.some(({ holdsProcess }) => holdsProcess)).toBe(true);
    await got;
    await expectNothingHeld(cluster);
  });

  test("L3 nor where nodes are still asked who serves what", async () => {
    const { cluster, store, nodes } = clusterOf("2s");
    const [one, two, three] = nodes;
    await known(cluster, store, one, two, three);
    await untilAskedAgain();
    one.fallSilent();
    two.fallSilent();
    three.isDown = true;
    const got = store.get(cluster.keyAt(three));
    await pause(50);
    three.isDown = false;
    await got;
    await expectNothingHeld(cluster);
  });

  test("L3 nor where no node answers", async () => {
    const { cluster, store, nodes } = clusterOf("300ms", { masters: 12 });
    for (const node of nodes) node.fallSilent();
    await expectCode(store.get("key"), "KV_UNAVAILABLE");
    await expectNothingHeld(cluster);
  });

  async function expectNothingHeld(cluster: FakeCluster): Promise<void> {
    for (let looks = 0; looks < 20; looks += 1) {
      expect(cluster.connections.filter(({ isOpen, holdsProcess }) => isOpen && holdsProcess)).toEqual([]);
      await pause(25);
    }
  }

  describe("L2 close leaves no timer, no connection and nothing to be sent", () => {
    test.each<[what: string, arrange: (store: FullStore, cluster: FakeCluster) => unknown]>([
      ["where nothing is in progress", () => undefined],
      [
        "where a node is silent",
        (store, { nodes }) => {
          for (const node of nodes) node.fallSilent();
          return store.get("key");
        },
      ],
      [
        "where nodes take no connection",
        (store, { nodes }) => {
          for (const node of nodes) node.cut();
          for (const node of nodes) node.fallSilent();
          return store.get("key");
        },
      ],
      [
        "where nodes refuse connections",
        async (store, { nodes }) => {
          for (const node of nodes) node.refuse();
          await store.get("key").catch(() => {});
          return store.get("key");
        },
      ],
      [
        "where a call is tried again and again",
        (store, { nodes }) => {
          for (const node of nodes) node.isDown = true;
          return store.get("key");
        },
      ],
      [
        "where the start nodes are not found yet",
        (store, cluster) => {
          for (const node of cluster.nodes) node.refuse();
          cluster.startNodes = () => new Promise(() => {});
          return store.get("key");
        },
      ],
      [
        "where clients are made late",
        (store, cluster) => {
          const open = cluster.open.bind(cluster);
          for (const node of cluster.nodes) node.cut();
          cluster.open = async (address): Promise<FakeTransport> => {
            while (!cluster.closed) await new Promise((resolve) => setImmediate(resolve));
            return open(address);
          };
          return store.get("key");
        },
      ],
      [
        "where a listing waits for slots to rest",
        (store, cluster) => {
          const slot = keySlot("a");
          cluster.isTorn = true;
          cluster.beforeTurn = () => {
            const to = cluster.start.find((node) => node !== cluster.ownerOf(slot)) as FakeNode;
            new SlotMove(cluster, slot, to).finish();
          };
          return store.keys()[Symbol.asyncIterator]().next();
        },
      ],
      [
        "where deleteAll is in progress",
        (store, cluster) => {
          for (let at = 0; at < 30; at += 1) cluster.put(`KV:${at}`);
          void cluster.once(
            ({ name }) => name === "unlink",
            () => {
              for (const node of cluster.nodes) node.fallSilent();
            },
          );
          return store.deleteAll();
        },
      ],
    ])("%s", async (_, arrange) => {
      const warned: Error[] = [];
      const warn = (warning: Error): number => warned.push(warning);
      process.on("warning", warn);
      onTestFinished(() => {
        process.off("warning", warn);
      });
      const cluster = new FakeCluster();
      await inNoTime(cluster, async () => {
        const before = vi.getTimerCount();
        const store = respStore("fake", { cluster, close: false }, {});
        await known(cluster, store, ...cluster.nodes);
        const call = Promise.resolve(arrange(store, cluster)).catch((error: unknown) => {
          if (!isStoreError(error)) throw error;
        });
        await pause(120);
        await outcomeOf(store.close(), "KV_FAILED");
        cluster.closed = true;
        expect(vi.getTimerCount() - before).toBe(0);
        const { length } = cluster.delivered;
        for (const node of cluster.nodes) node.serve();
        await pause(20_000);
        await call;
        expect(cluster.delivered.length).toBe(length);
        expect(cluster.connections.filter(({ isOpen }) => isOpen)).toEqual([]);
        expect(vi.getTimerCount() - before).toBe(0);
        await expectCode(store.get("key"), "KV_CLOSED");
      });
      expect(warned).toEqual([]);
    });
  });
});

describe("E1 one node of a cluster, over a plain client,", () => {
  function storeOverNode(): { store: FullStore; cluster: FakeCluster } {
    const cluster = new FakeCluster();
    const transport = cluster.connect(cluster.nodes[0] as FakeNode);
    transport.becomeReady();
    const store = respStore("fake", { transport, close: false }, {});
    onTestFinished(() => store.close());
    return { store, cluster };
  }

  test.each<[what: string, call: (store: FullStore, foreign: string) => Promise<unknown>]>([
    ["a key that it does not serve", (store, foreign) => store.get(foreign)],
    ["keys of several slots", (store, foreign) => store.getMany([foreign, "a", "b", "c", "d"])],
    [
      "a write of keys of several slots",
      (store, foreign) => Promise.all([store.set(foreign, "1"), store.set("a", "1"), store.set("b", "1")]),
    ],
    ["a listing", (store) => store.keys()[Symbol.asyncIterator]().next()],
    ["a listing of namespaces", (store) => store.namespaces()[Symbol.asyncIterator]().next()],
    ["deleteAll", (store) => store.deleteAll()],
  ])("says what to do: %s", async (_, call) => {
    const { store, cluster } = storeOverNode();
    for (let at = 0; at < 20; at += 1) cluster.put(`KV:${at}`);
    const keys = cluster.keys();
    const called = call(store, cluster.keyAt(cluster.nodes[1] as FakeNode));
    await Promise.all([
      expectCode(called, "KV_FAILED"),
      expect(called).rejects.toThrow("make the store over a client of the whole cluster (new Cluster)"),
    ]);
    expect(cluster.keys()).toEqual(keys);
  });
});

/** The replica of a node takes its place, and all know but the node itself. */
function takeThePlaceOf(node: FakeNode, cluster: FakeCluster): void {
  const replica = cluster.nodes.find((other) => other.masters.get(other) === node) as FakeNode;
  replica.takePlace();
  for (const other of cluster.nodes) if (other !== node) other.hear(replica);
}

/** Each time that a node was sent this value. */
function triesOf({ delivered }: FakeCluster, value: string): Delivered[] {
  return delivered.filter(({ name, args }) => name === "set" && args[1] === value);
}
