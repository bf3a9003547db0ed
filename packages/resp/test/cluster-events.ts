import fc from "fast-check";
import { vi } from "vitest";
import { keySlot } from "../src/keys/key-slot.ts";
import { AtomicMove, type FakeCluster, type FakeNode, SlotMove } from "./fake-cluster.ts";

/** Something that happens to a cluster. What exactly depends on where it stands by then. */
export interface Event {
  /** How many pieces are carried out before it. */
  readonly after: number;
  /** Which of the slots, which of the nodes, which of the things that may happen, and to how many keys. */
  readonly slot: number;
  readonly node: number;
  readonly choice: number;
  readonly count: number;
}

/** The events that may happen at all. */
export interface Happenings {
  /** Moves that are given up: keys on the target are hidden from all clients meanwhile. */
  readonly cancels: boolean;
  /** Masters that lose their place; `stale` ones answer on and know nothing of it. */
  readonly failovers: "none" | "known" | "also dead" | "also stale";
  /** Connections that are lost. */
  readonly cuts: boolean;
  /**
   * Whether a slot moves once at most. What was sent on by ASK to a node that hands the slot back meanwhile, and is getting it
   * once more when that arrives, is answered by real nodes, too, as if the key were not there.
   */
  readonly movesOnce?: boolean;
}

export const events: fc.Arbitrary<Event[]> = fc.array(
  fc.record({
    after: fc.nat({ max: 5 }),
    slot: fc.nat({ max: 3 }),
    node: fc.nat({ max: 5 }),
    choice: fc.nat({ max: 11 }),
    count: fc.nat({ max: 3 }),
  }),
  { maxLength: 40 },
);

/** Lets events happen to a cluster, each before the piece that it names. */
export class Story {
  readonly #cluster: FakeCluster;
  readonly #happenings: Happenings;
  readonly #events: Event[];
  readonly #slots: readonly SlotStory[];
  /** The nodes that took over. */
  readonly #stale = new Map<FakeNode, FakeNode>();
  /** Keys that no client found at some moment, though they were there. */
  readonly hidden: Set<string> = new Set();
  #pieces = 0;

  constructor(cluster: FakeCluster, story: readonly Event[], happenings: Happenings) {
    this.#cluster = cluster;
    this.#happenings = happenings;
    this.#events = [...story];
    const { movesOnce = false } = happenings;
    this.#slots = movingSlots.map((slot) => new SlotStory(cluster, slot, movesOnce, () => this.#look()));
    cluster.beforeTurn = () => this.#goOn();
  }

  get isOver(): boolean {
    return this.#events.length === 0;
  }

  /** Lets all that is left happen, and every node hear of it. Moves that are half done stay so. */
  end(): void {
    for (const event of this.#events.splice(0)) this.#happen(event);
    for (const slot of this.#slots) slot.settle();
    for (const [node, replica] of this.#stale) node.follow(replica);
    this.#stale.clear();
    this.#cluster.settle();
  }

  #goOn(): void {
    for (;;) {
      const [next] = this.#events;
      if (next === undefined || this.#pieces < next.after) break;
      this.#events.shift();
      this.#pieces = 0;
      this.#happen(next);
    }
    if (this.isOver) for (const slot of this.#slots) if (slot.unknowing !== undefined) slot.settle();
    this.#pieces += 1;
  }

  #happen(event: Event): void {
    const { cancels, cuts, failovers } = this.#happenings;
    const { choice } = event;
    if (choice === 0 && cuts) this.#cluster.nodes[event.node % this.#cluster.nodes.length]?.cut();
    else if (choice === 1 && failovers !== "none") this.#failOver(event);
    else this.#goOnWith(event, cancels);
    this.#look();
  }

  /**
   * Who has lost a slot and does not know it gets no higher epoch: it would take the slot back without its keys, as real
   * nodes do.
   */
  #goOnWith(event: Event, cancels: boolean): void {
    const slot = this.#slots[event.slot % this.#slots.length] as SlotStory;
    const unknowing = this.#slots.flatMap(({ unknowing: node }) => node ?? []);
    if (slot.unknowing === undefined && unknowing.some((node) => slot.uses(node))) return;
    const targets = this.#targets().filter((node) => !unknowing.includes(node));
    if (targets.includes(slot.owner) || slot.unknowing !== undefined) slot.goOn(event, targets, cancels);
  }

  /** The masters by right. */
  #targets(): FakeNode[] {
    return this.#cluster.nodes.filter(
      (node) => !node.masters.has(node) && !this.#stale.has(node) && node.manner === "serves",
    );
  }

  /** Fails over the node that serves the slot. Then others set more keys there. */
  #failOver({ slot, count }: Event): void {
    const { failovers } = this.#happenings;
    const old = this.#slots[slot % this.#slots.length]?.owner;
    const replica = this.#cluster.nodes.find(
      (node) => node.masters.get(node) === old && node.manner === "serves",
    );
    if (old === undefined || replica === undefined || this.#slots.some((other) => other.uses(old))) return;
    replica.takePlace();
    const served = replica.served();
    for (const node of this.#cluster.nodes) if (node !== old) node.hear(replica, served);
    for (const node of this.#cluster.nodes) if (node.masters.get(node) === old) node.follow(replica);
    if (count > 0 && failovers === "also dead") old.refuse();
    else if (count > 0 && failovers === "also stale") this.#stale.set(old, replica);
    else old.follow(replica);
    for (const key of Array.from(replica.keys.keys())) this.#cluster.put(`${key}+`);
  }

  #look(): void {
    const all = new Set(this.#cluster.nodes.flatMap(({ keys }) => Array.from(keys.keys())));
    for (const key of all) if (this.#cluster.holderOf(key) === undefined) this.hidden.add(key);
  }
}

/** The fate of one slot. */
class SlotStory {
  readonly #cluster: FakeCluster;
  readonly #slot: number;
  readonly #movesOnce: boolean;
  readonly #look: () => void;
  #hasMoved = false;
  #move: SlotMove | AtomicMove | undefined;
  #stage: "rests" | "half" | "target told" | "source told" | "cancelling" | "staged" | "taken over" = "rests";

  constructor(cluster: FakeCluster, slot: number, movesOnce: boolean, look: () => void) {
    this.#cluster = cluster;
    this.#slot = slot;
    this.#movesOnce = movesOnce;
    this.#look = look;
  }

  get owner(): FakeNode {
    return this.#cluster.ownerOf(this.#slot) as FakeNode;
  }

  /** Has lost the slot, and does not know it yet. */
  get unknowing(): FakeNode | undefined {
    return this.#stage === "target told" || this.#stage === "taken over" ? this.#move?.from : undefined;
  }

  uses(node: FakeNode): boolean {
    return this.#move !== undefined && (this.#move.from === node || this.#move.to === node);
  }

  goOn({ choice, node, count }: Event, targets: readonly FakeNode[], cancels: boolean): void {
    const move = this.#move;
    if (move === undefined) this.#begin(choice, node, count, targets);
    else if (move instanceof AtomicMove) this.#goOnAtomically(move, choice);
    else this.#goOnByKeys(move, choice, count, cancels);
  }

  /** Ends all but a move that is half done. */
  settle(): void {
    const move = this.#move;
    if (move instanceof AtomicMove) {
      if (this.#stage === "taken over") this.#end(() => move.leave());
      else this.#end(() => move.cancel());
    } else if (this.#stage === "cancelling") this.#end(() => move?.cancelTarget());
    else if (this.#stage === "target told") this.#end(() => move?.finishSource().finishOthers());
    else if (this.#stage === "source told") this.#end(() => move?.finishOthers());
  }

  #begin(choice: number, node: number, count: number, targets: readonly FakeNode[]): void {
    if (this.#movesOnce && (this.#hasMoved || choice === 5)) return;
    this.#hasMoved = true;
    const from = this.owner;
    const others = targets.filter((other) => other !== from);
    const to = others[node % others.length];
    if (to === undefined || from.manner !== "serves") return;
    if (choice === 2 || choice === 3) new SlotMove(this.#cluster, this.#slot, to).finish();
    else if (choice === 4) new AtomicMove(this.#cluster, this.#slot, to).finish();
    else if (choice === 5) {
      new SlotMove(this.#cluster, this.#slot, to).finish();
      new SlotMove(this.#cluster, this.#slot, from).finish();
    } else if (choice === 6) this.#goTo("staged", new AtomicMove(this.#cluster, this.#slot, to));
    else this.#goTo("half", new SlotMove(this.#cluster, this.#slot, to).moveKeys(count));
  }

  #goOnByKeys(move: SlotMove, choice: number, count: number, cancels: boolean): void {
    switch (this.#stage) {
      case "half":
        if (choice < 4) move.moveKeys(count);
        else if (choice < 6) this.#goTo("target told", move.finishTarget());
        else if (choice === 6) this.#end(() => move.finish());
        else if (choice < 9 && !this.#movesOnce) this.#thereAgain(move, count);
        else if (cancels) this.#goTo("cancelling", move.cancelSource());
        break;
      case "cancelling":
        if (choice < 5) move.moveBack(count);
        else this.#end(() => move.cancelTarget());
        break;
      case "target told":
        this.#goTo("source told", move.finishSource());
        break;
      default:
        this.#end(() => move.finishOthers());
    }
  }

  #goOnAtomically(move: AtomicMove, choice: number): void {
    if (this.#stage === "taken over") {
      this.#end(() => move.leave());
      this.#cluster.settle();
    } else if (choice === 2) this.#end(() => move.cancel());
    else this.#goTo("taken over", move.takeOver());
  }

  /** Comes, goes back, and is on its way again. */
  #thereAgain(move: SlotMove, count: number): void {
    move.finish();
    new SlotMove(this.#cluster, this.#slot, move.from).finish();
    this.#goTo("half", new SlotMove(this.#cluster, this.#slot, move.to).moveKeys(count));
  }

  #goTo(
    stage: "half" | "target told" | "source told" | "cancelling" | "staged" | "taken over",
    move: SlotMove | AtomicMove,
  ): void {
    this.#stage = stage;
    this.#move = move;
    this.#look();
  }

  #end(how: () => void): void {
    how();
    this.#stage = "rests";
    this.#move = undefined;
  }
}

const tags = ["a", "b", "c", "d", "e", "f", "g"];

/** The slots of the first four tags. */
const movingSlots: readonly number[] = tags.slice(0, 4).map((tag) => keySlot(tag));

/** Four keys in the slot of each tag, as other clients of the store set them. */
export function fill(cluster: FakeCluster, keyOf: (tag: string, at: number) => string): void {
  for (const tag of tags) for (let at = 0; at < 4; at += 1) cluster.put(keyOf(tag, at));
}

/** Waits for what goes on in a cluster, by a clock that moves on only where nothing else happens. */
export async function inNoTime<T>(cluster: FakeCluster, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const state = { isOver: false };
  const settled = work().finally(() => {
    state.isOver = true;
  });
  try {
    while (!state.isOver) {
      const { turns } = cluster;
      for (let at = 0; at < 4; at += 1) await new Promise((resolve) => setImmediate(resolve));
      if (cluster.turns === turns) vi.advanceTimersByTime(5);
    }
    return await settled;
  } finally {
    vi.useRealTimers();
  }
}
