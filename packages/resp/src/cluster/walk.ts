import type { Buffer } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import { inPieces } from "../gathering.ts";
import type { KeySet } from "../key-layout.ts";
import { keysOfSlots, nodesOfCluster, serverInfo } from "../kinds.ts";
import { type ScannedNode, scanServer } from "../scan-server.ts";
import type { Sender } from "../sender.ts";
import type { Cluster } from "./cluster.ts";
import { Coverage } from "./coverage.ts";
import { keySlot, slotCount } from "./key-slot.ts";
import { type ClusterView, type NodeView, parseNodes, serves } from "./view.ts";

export interface Page {
  readonly keys: readonly Buffer[];
}

/** So many slots are read alone; where more are left on a node, it is scanned again. */
const mostSlots = 512;
/** The slots of one step, and how many keys of each are read. */
const slotsPerStep = 16;
const fewKeys = 1_000;
/** Of a slot that has more, so many are read in a step; where there are still more, its node has to be scanned. */
const manyKeys = 1_000_000;
/** The slots that have moved are looked for no more often: where moves never rest it would never end. */
const mostRounds = 16;

/**
 * The keys of every master of a cluster, page by page. Each that is there throughout comes, though slots move meanwhile, as
 * exactly as a failover keeps them; see `Coverage`. First every master is scanned, then the slots that were not
 * whole there are read alone.
 */
export async function* walkCluster(
  sender: Sender,
  cluster: Cluster,
  keys: KeySet,
): AsyncGenerator<Page, void, undefined> {
  if (cluster.masters.length === 0) await sender.ask(serverInfo); // waits until the masters are known
  const walk = new Walk(sender, cluster, keys);
  for (const address of cluster.masters) yield* walk.scan(address);
  for (let round = 1; ; round += 1) {
    const left = walk.left();
    if (left.size === 0) return;
    if (round > mostRounds) throw neverRests();
    if (round > 2) await new Promise((resolve) => setTimeout(resolve, Math.min(2 ** round, 250)));
    for (const [address, slots] of left) yield* walk.read(address, slots);
  }
}

/** The keys of a slot on a node, and what the node knew before and after they were read. */
interface SlotRead {
  readonly slot: number;
  readonly keys: readonly Buffer[];
  readonly before: ClusterView;
  readonly after: ClusterView;
}

/** A slot on its way, and the node that hands it over, as it was when what is left there was read. */
interface Move {
  readonly slot: number;
  readonly from: NodeView;
}

class Walk {
  readonly #sender: Sender;
  readonly #cluster: Cluster;
  readonly #keys: KeySet;
  readonly #coverage = new Coverage();
  /** Where the nodes are that were heard of, by id. */
  readonly #addresses = new Map<string, string>();
  /** What was told last, without what changes with each reply: most replies are the same. */
  #told: { readonly gist: string; readonly view: ClusterView } | undefined;
  /** The slots that have more keys than are read in a step. */
  readonly #large = new Set<number>();
  /** Why nodes could not be read, by their addresses. It does not matter where others have taken their places. */
  readonly #failures = new Map<string, unknown>();

  constructor(sender: Sender, cluster: Cluster, keys: KeySet) {
    this.#sender = sender;
    this.#cluster = cluster;
    this.#keys = keys;
  }

  /** The slots that are left to be read, by the address of their node. */
  left(): ReadonlyMap<string, readonly number[]> {
    const left = new Map<string, readonly number[]>();
    for (const [id, slots] of this.#coverage.left()) {
      if (id === undefined) throw notServed(this.#failures);
      const address = this.#addressOf(id);
      if (this.#failures.has(address)) throw this.#failures.get(address);
      left.set(address, slots);
    }
    return left;
  }

  /** Reads all that a node has. */
  async *scan(address: string): AsyncGenerator<Page> {
    yield* this.#trying(address, this.#scan(address));
  }

  /** Reads slots of a node that is said to serve them. */
  async *read(address: string, slots: readonly number[]): AsyncGenerator<Page> {
    const isScanned = slots.length > mostSlots || slots.some((slot) => this.#large.has(slot));
    yield* this.#trying(address, isScanned ? this.#scan(address) : this.#read(address, slots));
  }

  async *#trying(address: string, pages: AsyncGenerator<Page>): AsyncGenerator<Page> {
    try {
      yield* pages;
    } catch (error) {
      if (this.#cluster.isClosed) throw error;
      this.#failures.set(address, inPart(address, error));
    }
  }

  async *#scan(address: string): AsyncGenerator<Page> {
    const node: ScannedNode = { address, view: (reply) => this.#hear(reply) };
    let last: ClusterView | undefined;
    let epoch = 0;
    let held = new Uint8Array();
    for await (const page of scanServer(this.#sender, this.#keys.pattern, node)) {
      const { keys, isFirst, views, isInDoubt } = page;
      const [before, after] = views as readonly [ClusterView, ClusterView];
      if (!after.myself.isMaster) {
        this.#cluster.lost();
        return; // another one has taken its place, and what it has may be old
      }
      if (isInDoubt) {
        yield { keys };
        continue;
      }
      if (isFirst) {
        ({ epoch } = before.myself);
        held = slotsHeld(before);
      } else if (before !== last) held = inBoth(held, slotsHeld(before));
      if (after !== before) held = inBoth(held, slotsHeld(after));
      if (!isSame(before.myself, after.myself)) held.fill(0);
      last = after;
      // Those of a slot that is not whole here come when it is read alone.
      const areMoving = after.migrating.size + after.importing.size > 0;
      yield { keys: areMoving ? keys.filter((key) => held[keySlot(key)] === 1) : keys };
    }
    const { id } = (last as ClusterView).myself;
    this.#coverage.coverAll(held, { id, epoch });
  }

  /** Of a slot that is on its way, first what its node still has. */
  async *#read(address: string, slots: readonly number[]): AsyncGenerator<Page> {
    const moving = new Map<string, Move[]>();
    for await (const { slot, keys, before, after } of this.#slotsOf(address, slots)) {
      if (!serves(after.myself, slot)) {
        this.#coverage.deny(slot, after);
        continue;
      }
      yield { keys };
      if (!serves(before.myself, slot) || !isSame(before.myself, after.myself)) continue; // it is looked for anew
      const to = after.migrating.get(slot);
      if (to !== undefined) moving.set(to, [...(moving.get(to) ?? []), { slot, from: after.myself }]);
      else if (!before.migrating.has(slot)) this.#coverage.cover(slot, after.myself);
    }
    for (const [id, moves] of moving) yield* this.#readArrived(address, id, moves);
  }

  /**
   * Reads what has arrived of slots that are on their way: a key that was not seen at the other end is here by now, as long as its
   * slot has not come back meanwhile.
   */
  async *#readArrived(from: string, id: string, moves: readonly Move[]): AsyncGenerator<Page> {
    const address = this.#addressOf(id);
    const arrived: number[] = [];
    const slots = moves.map(({ slot }) => slot);
    const source = moves[0]?.from.id;
    for await (const { slot, keys, before, after } of this.#slotsOf(address, slots)) {
      yield { keys };
      if (!isSame(before.myself, after.myself)) continue;
      if (holds(before, slot) && holds(after, slot)) this.#coverage.cover(slot, after.myself);
      else if (before.importing.get(slot) === source) arrived.push(slot);
    }
    if (arrived.length === 0) return;
    const { myself } = await this.#askNode(from);
    for (const move of moves) {
      if (arrived.includes(move.slot) && isSame(move.from, myself)) this.#coverage.cover(move.slot, myself);
    }
  }

  async *#slotsOf(address: string, slots: readonly number[]): AsyncGenerator<SlotRead> {
    const full: number[] = [];
    for (const some of inPieces(slots, slotsPerStep)) {
      for (const read of await this.#ask(address, some, fewKeys)) {
        if (read.keys.length < fewKeys) yield this.#ours(read);
        else full.push(read.slot);
      }
    }
    for (const slot of full) {
      for (const read of await this.#ask(address, [slot], manyKeys)) {
        if (read.keys.length < manyKeys) yield this.#ours(read);
        else this.#large.add(slot);
      }
    }
  }

  async #ask(address: string, slots: readonly number[], limit: number): Promise<SlotRead[]> {
    const values = [String(limit), ...slots.map(String)];
    const reply = (await this.#sender.ask(keysOfSlots, "", values, { address })) as unknown[];
    const before = this.#hear(reply[0]);
    const after = this.#hear(reply.at(-1));
    return slots.map((slot, at) => ({ slot, keys: reply[at + 1] as readonly Buffer[], before, after }));
  }

  async #askNode(address: string): Promise<ClusterView> {
    return this.#hear(await this.#sender.ask(nodesOfCluster, "", [], { address }));
  }

  #ours(read: SlotRead): SlotRead {
    return { ...read, keys: read.keys.filter((key) => this.#keys.has(key)) };
  }

  /** Reads what a node knows. */
  #hear(nodes: unknown): ClusterView {
    const text = String(nodes);
    const gist = text.replace(volatile, " ");
    if (this.#told?.gist === gist) return this.#told.view;
    const view = parseNodes(text);
    this.#told = { gist, view };
    this.#coverage.hear(view);
    for (const node of view.nodes) this.#addresses.set(node.id, this.#cluster.addressOf(node));
    return view;
  }

  #addressOf(id: string): string {
    const address = this.#addresses.get(id);
    if (address === undefined) throw notServed(this.#failures);
    return address;
  }
}

/** The times of the last pings, and whether the nodes are connected with each other. */
const volatile = / \d+ \d+ (?=\d+ (?:dis)?connected)| (?:dis)?connected/g;

/** 1 for each slot that a node serves, and is not handing over. */
function slotsHeld({ myself, migrating }: ClusterView): Uint8Array<ArrayBuffer> {
  const held = new Uint8Array(slotCount);
  for (const [first, last] of myself.slots) held.fill(1, first, last + 1);
  for (const slot of migrating.keys()) held[slot] = 0;
  return held;
}

function inBoth(one: Uint8Array<ArrayBuffer>, other: Uint8Array): Uint8Array<ArrayBuffer> {
  return one.map((isHeld, slot) => isHeld & (other[slot] as number));
}

/** Whether a node serves a slot, and is not handing it over. */
function holds({ myself, migrating }: ClusterView, slot: number): boolean {
  return serves(myself, slot) && !migrating.has(slot);
}

/** Whether a node has been given no slot meanwhile, nor one back. */
function isSame(before: NodeView, after: NodeView): boolean {
  return before.id === after.id && before.epoch === after.epoch;
}

/** Says in which part of a cluster a walk has failed. */
function inPart(address: string, error: unknown): unknown {
  if (!isStoreError(error)) return error;
  return new StoreError(error.code, `in the part at ${address}: ${error.message}`, { cause: error.cause });
}

/** Nobody is known to serve a slot: perhaps since those who know could not be asked. */
function notServed(failures: ReadonlyMap<string, unknown>): unknown {
  const [failure] = failures.values();
  return (
    failure ??
    new StoreError(
      "KV_UNAVAILABLE",
      "no node of the cluster serves a part of its keys just now. Nothing was changed.",
    )
  );
}

function neverRests(): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    "parts of the cluster's keys moved again and again, so some may have been missed. Nothing was changed. Try again when the cluster rests.",
  );
}
