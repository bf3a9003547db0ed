import type { Buffer } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import { sleep } from "@kv/core/driver";
import type { Cluster } from "../cluster/cluster.ts";
import { type ClusterView, type NodeView, parseNodes, serves } from "../cluster/view.ts";
import { keysOfSlots, nodesOfCluster, serverInfo } from "../commands/operations.ts";
import { chunk } from "../connection/coalescer.ts";
import type { KeySet } from "../keys/key-layout.ts";
import { keySlot, slotCount } from "../keys/key-slot.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type ScannedNode, scanServer } from "./scan-server.ts";
import { SlotCoverage } from "./slot-coverage.ts";

export interface Page {
  readonly keys: readonly Buffer[];
}

/** Up to here the slots that are left on a node are read one by one; where there are more, it is scanned again. */
const maxSlotsReadAlone = 512;
/** The number of slots that one operation reads, and of keys of each. */
const slotsPerRead = 16;
const fewKeys = 1_000;
/** The number of keys that one operation reads of a slot that has more; where there are still more, its node is scanned. */
const manyKeys = 1_000_000;
/** The scan fails after this many rounds: where slots never stop moving it would never end. */
const maxRounds = 16;

/**
 * Lists the keys of every master of a cluster, page by page. Each key that is there throughout is listed, though slots move
 * meanwhile, as exactly as a failover keeps them; see `SlotCoverage`. First every master is scanned, then the slots that were
 * not complete there are read one by one.
 */
export async function* scanCluster(
  pipeline: Pipeline,
  cluster: Cluster,
  keys: KeySet,
): AsyncGenerator<Page, void, undefined> {
  if (cluster.masters.length === 0) await pipeline.request(serverInfo); // waits until the masters are known
  const clusterScan = new ClusterScan(pipeline, cluster, keys);
  for (const address of cluster.masters) yield* clusterScan.scan(address);
  for (let round = 1; ; round += 1) {
    const left = clusterScan.remaining();
    if (left.size === 0) return;
    if (round > maxRounds) throw slotsKeepMoving();
    if (round > 2) await sleep(Math.min(2 ** round, 250));
    for (const [address, slots] of left) yield* clusterScan.read(address, slots);
  }
}

/** The keys of a slot on a node, and what the node knew before and after they were read. */
interface SlotRead {
  readonly slot: number;
  readonly keys: readonly Buffer[];
  readonly before: ClusterView;
  readonly after: ClusterView;
}

/** A moving slot, and the node that hands it over, as that node was when its remaining keys were read. */
interface Move {
  readonly slot: number;
  readonly from: NodeView;
}

class ClusterScan {
  readonly #pipeline: Pipeline;
  readonly #cluster: Cluster;
  readonly #keys: KeySet;
  readonly #coverage = new SlotCoverage();
  /** The addresses of the nodes that were observed, by id. */
  readonly #addresses = new Map<string, string>();
  /** The last view, and the reply that it was read from without its volatile fields: most replies are the same. */
  #lastView: { readonly gist: string; readonly view: ClusterView } | undefined;
  /** The slots that have more keys than one operation reads. */
  readonly #oversizedSlots = new Set<number>();
  /** The errors of nodes that could not be read, by address. They do not matter where other nodes have taken over. */
  readonly #failures = new Map<string, unknown>();

  constructor(pipeline: Pipeline, cluster: Cluster, keys: KeySet) {
    this.#pipeline = pipeline;
    this.#cluster = cluster;
    this.#keys = keys;
  }

  /** Lists the slots that are left to be read, by the address of their node. */
  remaining(): ReadonlyMap<string, readonly number[]> {
    const left = new Map<string, readonly number[]>();
    for (const [id, slots] of this.#coverage.remaining()) {
      if (id === undefined) throw slotNotServed(this.#failures);
      const address = this.#addressOf(id);
      if (this.#failures.has(address)) throw this.#failures.get(address);
      left.set(address, slots);
    }
    return left;
  }

  /** Reads all keys of a node. */
  async *scan(address: string): AsyncGenerator<Page> {
    yield* this.#recordingFailure(address, this.#scan(address));
  }

  /** Reads slots of a node that is said to serve them. */
  async *read(address: string, slots: readonly number[]): AsyncGenerator<Page> {
    const isScanned =
      slots.length > maxSlotsReadAlone || slots.some((slot) => this.#oversizedSlots.has(slot));
    yield* this.#recordingFailure(address, isScanned ? this.#scan(address) : this.#read(address, slots));
  }

  async *#recordingFailure(address: string, pages: AsyncGenerator<Page>): AsyncGenerator<Page> {
    try {
      yield* pages;
    } catch (error) {
      if (this.#cluster.isClosed) throw error;
      this.#failures.set(address, withShardContext(address, error));
    }
  }

  async *#scan(address: string): AsyncGenerator<Page> {
    const node: ScannedNode = { address, view: (reply) => this.#observe(reply) };
    let last: ClusterView | undefined;
    let epoch = 0;
    let held = new Uint8Array();
    for await (const page of scanServer(this.#pipeline, this.#keys.pattern, node)) {
      const { keys, isFirst, views, isInDoubt } = page;
      const [before, after] = views as readonly [ClusterView, ClusterView];
      if (!after.myself.isMaster) {
        this.#cluster.suspectChange();
        return; // another one has taken over, and its data may be old
      }
      if (isInDoubt) {
        yield { keys };
        continue;
      }
      if (isFirst) {
        ({ epoch } = before.myself);
        held = ownedSlots(before);
      } else if (before !== last) held = intersect(held, ownedSlots(before));
      if (after !== before) held = intersect(held, ownedSlots(after));
      if (!isUnchanged(before.myself, after.myself)) held.fill(0);
      last = after;
      // The keys of a slot that is not complete here are listed when it is read alone.
      const areMoving = after.migrating.size + after.importing.size > 0;
      yield { keys: areMoving ? keys.filter((key) => held[keySlot(key)] === 1) : keys };
    }
    const { id } = (last as ClusterView).myself;
    this.#coverage.coverAll(held, { id, epoch });
  }

  /** Reads slots one by one; of a slot that is moving, first what its node still has. */
  async *#read(address: string, slots: readonly number[]): AsyncGenerator<Page> {
    const moving = new Map<string, Move[]>();
    for await (const { slot, keys, before, after } of this.#slotsOf(address, slots)) {
      if (!serves(after.myself, slot)) {
        this.#coverage.deny(slot, after);
        continue;
      }
      yield { keys };
      if (!serves(before.myself, slot) || !isUnchanged(before.myself, after.myself)) continue; // it is read again
      const to = after.migrating.get(slot);
      if (to !== undefined) moving.set(to, [...(moving.get(to) ?? []), { slot, from: after.myself }]);
      else if (!before.migrating.has(slot)) this.#coverage.cover(slot, after.myself);
    }
    for (const [id, moves] of moving) yield* this.#readArrived(address, id, moves);
  }

  /**
   * Reads what has arrived of moving slots: a key that was not seen at the source is here by now, unless its slot has moved
   * back meanwhile.
   */
  async *#readArrived(from: string, id: string, moves: readonly Move[]): AsyncGenerator<Page> {
    const address = this.#addressOf(id);
    const arrived: number[] = [];
    const slots = moves.map(({ slot }) => slot);
    const source = moves[0]?.from.id;
    for await (const { slot, keys, before, after } of this.#slotsOf(address, slots)) {
      yield { keys };
      if (!isUnchanged(before.myself, after.myself)) continue;
      if (ownsStably(before, slot) && ownsStably(after, slot)) this.#coverage.cover(slot, after.myself);
      else if (before.importing.get(slot) === source) arrived.push(slot);
    }
    if (arrived.length === 0) return;
    const { myself } = await this.#viewOf(from);
    for (const move of moves) {
      if (arrived.includes(move.slot) && isUnchanged(move.from, myself))
        this.#coverage.cover(move.slot, myself);
    }
  }

  async *#slotsOf(address: string, slots: readonly number[]): AsyncGenerator<SlotRead> {
    const full: number[] = [];
    for (const some of chunk(slots, slotsPerRead)) {
      for (const read of await this.#readSlots(address, some, fewKeys)) {
        if (read.keys.length < fewKeys) yield this.#filtered(read);
        else full.push(read.slot);
      }
    }
    for (const slot of full) {
      for (const read of await this.#readSlots(address, [slot], manyKeys)) {
        if (read.keys.length < manyKeys) yield this.#filtered(read);
        else this.#oversizedSlots.add(slot);
      }
    }
  }

  async #readSlots(address: string, slots: readonly number[], limit: number): Promise<SlotRead[]> {
    const values = [String(limit), ...slots.map(String)];
    const reply = (await this.#pipeline.request(keysOfSlots, "", values, { address })) as unknown[];
    const before = this.#observe(reply[0]);
    const after = this.#observe(reply.at(-1));
    return slots.map((slot, at) => ({ slot, keys: reply[at + 1] as readonly Buffer[], before, after }));
  }

  async #viewOf(address: string): Promise<ClusterView> {
    return this.#observe(await this.#pipeline.request(nodesOfCluster, "", [], { address }));
  }

  #filtered(read: SlotRead): SlotRead {
    return { ...read, keys: read.keys.filter((key) => this.#keys.has(key)) };
  }

  /** Reads a reply to CLUSTER NODES, and takes note of it. */
  #observe(nodes: unknown): ClusterView {
    const text = String(nodes);
    const gist = text.replace(volatileFields, " ");
    if (this.#lastView?.gist === gist) return this.#lastView.view;
    const view = parseNodes(text);
    this.#lastView = { gist, view };
    this.#coverage.observe(view);
    for (const node of view.nodes) this.#addresses.set(node.id, this.#cluster.addressOf(node));
    return view;
  }

  #addressOf(id: string): string {
    const address = this.#addresses.get(id);
    if (address === undefined) throw slotNotServed(this.#failures);
    return address;
  }
}

/** The times of the last pings, and the state of the links between nodes. */
const volatileFields = / \d+ \d+ (?=\d+ (?:dis)?connected)| (?:dis)?connected/g;

/** Makes a bitmap with 1 for each slot that a node serves, and is not migrating away. */
function ownedSlots({ myself, migrating }: ClusterView): Uint8Array<ArrayBuffer> {
  const held = new Uint8Array(slotCount);
  for (const [first, last] of myself.slots) held.fill(1, first, last + 1);
  for (const slot of migrating.keys()) held[slot] = 0;
  return held;
}

function intersect(one: Uint8Array<ArrayBuffer>, other: Uint8Array): Uint8Array<ArrayBuffer> {
  return one.map((isHeld, slot) => isHeld & (other[slot] as number));
}

/** Tells whether a node serves a slot, and is not migrating it away. */
function ownsStably({ myself, migrating }: ClusterView, slot: number): boolean {
  return serves(myself, slot) && !migrating.has(slot);
}

/** Tells whether a node has gained no slot meanwhile. */
function isUnchanged(before: NodeView, after: NodeView): boolean {
  return before.id === after.id && before.epoch === after.epoch;
}

/** Adds to the error of a scan which node it comes from. */
function withShardContext(address: string, error: unknown): unknown {
  if (!isStoreError(error)) return error;
  return new StoreError(error.code, `on the node at ${address}: ${error.message}`, { cause: error.cause });
}

/** The error for a slot that no known node serves, perhaps since the nodes that know could not be asked. */
function slotNotServed(failures: ReadonlyMap<string, unknown>): unknown {
  const [failure] = failures.values();
  return (
    failure ??
    new StoreError(
      "KV_UNAVAILABLE",
      "no node of the cluster serves some of its slots now. Nothing was changed.",
    )
  );
}

function slotsKeepMoving(): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    "slots of the cluster kept moving, so some keys may have been missed. Nothing was changed. Try again when no slot moves.",
  );
}
