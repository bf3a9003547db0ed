import { type ClusterView, serves } from "../cluster/view.ts";
import { slotCount } from "../keys/key-slot.ts";

/** A node that says it serves a slot, with its configuration epoch. */
interface Claim {
  readonly id: string | undefined;
  readonly epoch: number;
}

/**
 * Tracks which slots the scan of a cluster has seen completely, and which node has to be asked for the others.
 *
 * A key is missed when its slot is read on one node while the key is on another. So a slot counts as covered by a node
 * that served it, and was not migrating it away, both before and after each page, with the same configuration epoch: a slot
 * that goes away and comes back leaves a new one. Then a key of the slot that is there throughout was there whenever a page was
 * read. Between two pages a slot may come and go.
 *
 * A node may not know yet that another one has taken over from it. So a slot is covered only as long as no node claims it
 * with a higher epoch, or until the claiming node itself denies it.
 */
export class SlotCoverage {
  /** All claims that were observed; slots refer to them by index. */
  readonly #claims: Claim[] = [nobody];
  readonly #covered = new Uint32Array(slotCount);
  /** By slot, the claim with the highest epoch. */
  readonly #claimants = new Uint32Array(slotCount);

  /** Observes who serves what, as a node knows it. */
  observe({ nodes }: ClusterView): void {
    const claims = this.#claims;
    const highest = this.#claimants;
    for (const node of nodes) {
      const number = this.#numberOf(node);
      for (const [first, last] of node.slots) {
        for (let slot = first; slot <= last; slot += 1) {
          if ((claims[highest[slot] as number] as Claim).epoch < node.epoch) highest[slot] = number;
        }
      }
    }
  }

  /** Notes that all keys of a slot that were there throughout were seen, on a node that served it. */
  cover(slot: number, by: Claim): void {
    this.#covered[slot] = this.#numberOf(by);
  }

  /** Notes the same of all slots that have a 1. */
  coverAll(held: Uint8Array, by: Claim): void {
    const covered = this.#covered;
    const number = this.#numberOf(by);
    for (let slot = 0; slot < slotCount; slot += 1) if (held[slot] === 1) covered[slot] = number;
  }

  /** Notes that a node does not serve a slot. The node that it names is asked next, unless that one covers the slot. */
  deny(slot: number, { nodes }: ClusterView): void {
    const owner = nodes.find((node) => serves(node, slot)) ?? nobody;
    const covered = this.#covered[slot] as number;
    const isCovering = this.#claims[covered]?.id === owner.id;
    if (!isCovering) this.#covered[slot] = 0;
    this.#claimants[slot] = isCovering ? covered : this.#numberOf(owner);
  }

  /** Lists the slots that are not covered, by the id of the node to ask for them; `undefined` where there is none. */
  remaining(): ReadonlyMap<string | undefined, readonly number[]> {
    const left = new Map<string | undefined, number[]>();
    const covered = this.#covered;
    const highest = this.#claimants;
    for (let slot = 0; slot < slotCount; slot += 1) {
      const by = covered[slot] as number;
      const claimed = highest[slot] as number;
      if (by !== 0 && (by === claimed || this.#outranks(by, claimed))) continue;
      const { id } = this.#claims[claimed] as Claim;
      const slots = left.get(id);
      if (slots === undefined) left.set(id, [slot]);
      else slots.push(slot);
    }
    return left;
  }

  /** Tells whether the covering claim holds against the highest one. */
  #outranks(covering: number, claimed: number): boolean {
    const { id, epoch } = this.#claims[covering] as Claim;
    const claim = this.#claims[claimed] as Claim;
    return claim.id === id || claim.epoch <= epoch;
  }

  #numberOf({ id, epoch }: Claim): number {
    const known = this.#claims.findIndex((claim) => claim.id === id && claim.epoch === epoch);
    return known === -1 ? this.#claims.push({ id, epoch }) - 1 : known;
  }
}

const nobody: Claim = { id: undefined, epoch: -1 };
