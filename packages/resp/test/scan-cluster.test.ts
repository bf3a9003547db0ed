import { type FullStore, isStoreError } from "@kv/core";
import { outcomeOf, soak } from "@kv/test-support";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { keySlot } from "../src/keys/key-slot.ts";
import { respStore } from "../src/store/resp-store.ts";
import { type Event, events, fill, type Happenings, inNoTime, Story } from "./cluster-events.ts";
import { type Delivered, FakeCluster, type FakeNode, SlotMove } from "./fake-cluster.ts";

const manyRuns = soak ? 3_000 : 40;
const timeout = 3_600_000;

/** The events of a cluster. */
const courses: [what: string, happenings: Happenings][] = [
  ["slots move", { cancels: false, failovers: "none", cuts: false }],
  ["moves are given up, and connections lost", { cancels: true, failovers: "none", cuts: true }],
  ["masters lose their place", { cancels: true, failovers: "known", cuts: false }],
  ["masters are lost", { cancels: true, failovers: "also dead", cuts: true }],
];

const staleMasters: typeof courses = [
  [
    "masters do not know that others have their place",
    { cancels: true, failovers: "also stale", cuts: true },
  ],
];

/** In which order connections have their turns. */
const orders = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 20 });

interface Setting {
  readonly cluster: FakeCluster;
  readonly store: FullStore;
  readonly story: Story;
}

/** Runs with clusters that have keys, and to which something happens meanwhile. */
function inManyCourses(
  happenings: Happenings,
  { masters, numRuns }: { readonly masters: number; readonly numRuns: number },
  keyOf: (tag: string, at: number) => string,
  run: (setting: Setting) => Promise<void>,
): Promise<void> {
  const property = async (
    happening: readonly Event[],
    order: readonly number[],
    isTorn: boolean,
  ): Promise<void> => {
    const cluster = new FakeCluster({ masters, replicas: 1 });
    cluster.isTorn = isTorn;
    cluster.start = cluster.nodes; // all masters may be lost
    cluster.takeTurns(order);
    fill(cluster, keyOf);
    await inNoTime(cluster, async () => {
      const store = respStore("fake", { cluster, close: false }, {});
      await run({ cluster, store, story: new Story(cluster, happening, happenings) });
      await store.close();
    });
  };
  return fc.assert(fc.asyncProperty(events, orders, fc.boolean(), property), {
    numRuns,
    includeErrorInReport: true,
  });
}

describe.each<
  [
    what: string,
    keyOf: (tag: string, at: number) => string,
    list: (store: FullStore) => AsyncIterable<string>,
    nameOf: RegExp,
  ]
>([
  ["keys", keyOfTag, (store) => store.keys(), /^KV:(.*)/],
  ["namespaces", (tag, at) => `KV/${tag}${at}:{${tag}}`, (store) => store.namespaces(), /^KV\/(.*?):/],
])("N6 %s names all that was there throughout, or is KV_UNAVAILABLE", (_, keyOf, list, named) => {
  const namesOf = (keys: readonly string[]): Set<string> =>
    new Set(keys.map((key) => named.exec(key)?.[1] as string));

  test.each([
    ...courses.map(([what, happenings]) => [what, happenings, { masters: 3, numRuns: manyRuns }] as const),
    ...staleMasters.flatMap(([what, happenings]) => [
      [what, happenings, { masters: 3, numRuns: manyRuns }] as const,
      [`${what}, and have few slots`, happenings, { masters: 40, numRuns: manyRuns / 5 }] as const,
    ]),
  ])("while %s", { timeout }, async (__, happenings, size) => {
    await inManyCourses(happenings, size, keyOf, async ({ cluster, store, story }) => {
      for (let count = 0; count < 4 && !story.isOver; count += 1) {
        story.hidden.clear();
        const there = cluster.keys();
        const found = await outcomeOf(listed(list(store)), "KV_UNAVAILABLE");
        const throughout = namesOf(there.filter((key) => !story.hidden.has(key)));
        if (typeof found !== "string") expect([...throughout].filter((name) => !found.has(name))).toEqual([]);
      }
      story.end();
      const found = await untilDone(() => listed(list(store)));
      expect(found).toEqual(namesOf(cluster.keys()));
    });
  });
});

describe("N5 deleteAll leaves nothing that was there before, or rejects", () => {
  test.each(courses)("while %s", { timeout }, async (_, happenings) => {
    const size = { masters: 3, numRuns: manyRuns };
    await inManyCourses(happenings, size, keyOfTag, async ({ cluster, store, story }) => {
      for (let count = 0; count < 3 && !story.isOver; count += 1) {
        fill(cluster, (tag, at) => `KV:{${tag}}${count}/${at}`);
        story.hidden.clear();
        const there = cluster.keys();
        const outcome = await outcomeOf(store.deleteAll(), "KV_UNAVAILABLE", "KV_OUTCOME_UNKNOWN");
        const left = there.filter((key) => !story.hidden.has(key) && cluster.holderOf(key) !== undefined);
        if (outcome === undefined) {
          expect(left).toEqual([]);
          cluster.put("KV:{a}after");
        } else if (outcome === "KV_UNAVAILABLE") {
          expect(left).toEqual(there.filter((key) => !story.hidden.has(key))); // nothing was changed
        }
      }
      story.end();
      await untilDone(() => store.deleteAll());
      expect(cluster.keys()).toEqual([]);
    });
  });

  test("and an entry that was set after it resolved stays", async () => {
    const { cluster, store } = cluster3();
    const [from, to] = cluster.start as [FakeNode, FakeNode];
    const key = cluster.keyAt(from);
    cluster.put(`KV:${key}`);
    const move = new SlotMove(cluster, keySlot(`KV:${key}`), to).moveKeys();
    await store.deleteAll();
    expect(cluster.keys()).toEqual([]);
    await store.set(key, "new");
    move.finish();
    cluster.settle();
    expect(await store.exists(key)).toBe(true);
  });
});

describe("N6 a listing misses nothing of a slot", () => {
  test.each<[what: string, comeBack: (move: SlotMove) => unknown]>([
    ["after the rest at its source was read", (move) => move.finish()],
    ["where the target hears of no new epoch", (move) => move.finishTarget().finishSource()],
  ])("that goes there, back, and is on its way again, %s", async (_, comeBack) => {
    const { cluster, store } = cluster3();
    const [from, to] = cluster.start as [FakeNode, FakeNode];
    const key = cluster.keyAt(from);
    const slot = keySlot(`KV:${key}`);
    cluster.put(`KV:${key}`);
    const move = new SlotMove(cluster, slot, to).moveKeys();
    const moved = cluster.once(wasDone(from, "GETKEYSINSLOT"), () => {
      move.finish();
      comeBack(new SlotMove(cluster, slot, from));
      void new SlotMove(cluster, slot, to);
    });
    expect(await listed(store.keys())).toEqual(new Set([key]));
    await moved;
  });

  test.each(["and all know", "and the others do not know yet"])(
    "that leaves a node which has taken the place of another, where that one does not know, %s",
    async (known) => {
      const { cluster, store } = clusterOf({ masters: 40, replicas: 1 });
      const [old, to] = cluster.start as [FakeNode, FakeNode];
      const replica = cluster.nodes[40] as FakeNode;
      cluster.start = [old];
      replica.takePlace();
      for (const node of cluster.nodes) if (node !== old) node.hear(replica);
      const key = cluster.keyAt(replica);
      const slot = keySlot(`KV:${key}`);
      cluster.put(`KV:${key}`);
      const moved = cluster.once(
        ({ node, args }) => node === replica && args[0] === "GETKEYSINSLOT",
        () => {
          const move = new SlotMove(cluster, slot, to).finishTarget().finishSource();
          if (known === "and all know") move.finishOthers();
        },
      );
      expect(await listed(store.keys())).toEqual(new Set([key]));
      await moved;
    },
  );

  test("that comes as a whole between a page and what the node says of itself right after it", async () => {
    const { cluster, store } = cluster3();
    const [to, from] = cluster.start as [FakeNode, FakeNode];
    const key = cluster.keyAt(from);
    cluster.put(`KV:${key}`);
    cluster.isTorn = true; // a command of more than 16 KB is read in several turns
    const moved = cluster.once(
      ({ node, name, outcome }) => node === to && name === "scan" && outcome !== undefined,
      () => new SlotMove(cluster, keySlot(`KV:${key}`), to).finish(),
    );
    expect(await listed(store.keys())).toEqual(new Set([key]));
    await moved;
  });

  test.each(["is half moved", "has all its keys on the target"])("that %s, and stays so", async (how) => {
    const { cluster, store } = cluster3();
    fill(cluster, keyOfTag);
    const slot = keySlot("a");
    const to = cluster.start.find((node) => node !== cluster.ownerOf(slot)) as FakeNode;
    new SlotMove(cluster, slot, to).moveKeys(how === "is half moved" ? 2 : Infinity);
    expect(await listed(store.keys())).toEqual(new Set(cluster.keys().map((key) => key.slice(3))));
    await store.deleteAll();
    expect(cluster.keys()).toEqual([]);
  });
});

describe("N6 a listing finds masters that have changed", () => {
  test.each(["refuses connections", "is silent"])("by itself, where the old one %s", async (how) => {
    const { cluster, store } = clusterOf({ replicas: 1 }, "300ms");
    fill(cluster, keyOfTag);
    await listed(store.keys());
    const [old] = cluster.start as [FakeNode];
    const replica = cluster.nodes[3] as FakeNode;
    if (how === "is silent") old.fallSilent();
    else old.refuse();
    replica.takePlace();
    for (const node of cluster.nodes) if (node !== old) node.hear(replica);
    const found = await untilDone(() => listed(store.keys()));
    expect(found).toEqual(new Set(cluster.keys().map((key) => key.slice(3))));
  });
});

test("N6 a listing over slots that never rest ends in an error that says so", async () => {
  const { cluster, store } = cluster3();
  const [one, other] = cluster.start as [FakeNode, FakeNode];
  const key = cluster.keyAt(one);
  const slot = keySlot(`KV:${key}`);
  cluster.put(`KV:${key}`);
  cluster.beforeTurn = () =>
    new SlotMove(cluster, slot, cluster.ownerOf(slot) === one ? other : one).finish();
  await expect(listed(store.keys())).rejects.toThrow("Try again when no slot moves");
});

function keyOfTag(tag: string, at: number): string {
  return `KV:{${tag}}${at}`;
}

function cluster3(): { cluster: FakeCluster; store: FullStore } {
  return clusterOf({});
}

function clusterOf(
  size: ConstructorParameters<typeof FakeCluster>[0],
  patience: "5s" | "300ms" = "5s",
): { cluster: FakeCluster; store: FullStore } {
  const cluster = new FakeCluster(size);
  const store = respStore("fake", { cluster, close: false }, { timeout: patience });
  onTestFinished(() => store.close());
  return { cluster, store };
}

function wasDone(where: FakeNode, subcommand: string): (command: Delivered) => boolean {
  return ({ node, args, outcome }) => node === where && args[0] === subcommand && outcome !== undefined;
}

async function listed(names: AsyncIterable<string>): Promise<Set<string>> {
  const all = new Set<string>();
  for await (const name of names) all.add(name);
  return all;
}

/** Repeats a call that may fail, until it succeeds: all that happens to the cluster is over. */
async function untilDone<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === 50 || !isStoreError(error)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
