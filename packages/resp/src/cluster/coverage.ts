import { slotCount } from "./key-slot.ts";
import { type ClusterView, serves } from "./view.ts";

/** Who serves a slot, by its configuration epoch. */
interface Claim {
  readonly id: string | undefined;
  readonly epoch: number;
}

/**
 * Which slots a walk over a cluster has seen whole, and who is to be asked for the others.
 *
 * A key is missed where its slot is looked at on one node while the key is on another. So a slot is covered by a node
 * that served it, and was not handing over its keys, both before and after each page, with the same configuration epoch: a slot
 * that goes away and comes back leaves another one. Then a key of the slot that is there throughout was there whenever a page was
 * read. Between two pages a slot may come and go.
 *
 * A node may not know yet that another one has taken its place. So a slot is covered only as long as nobody is heard to claim it
 * with a higher epoch, or until that node itself denies it.
 */
export class Coverage {
  /** All claims that were heard of; the slots have their numbers. */
  readonly #claims: Claim[] = [nobody];
  readonly #covered = new Uint32Array(slotCount);
  /** The highest that was heard of. */
  readonly #highest = new Uint32Array(slotCount);

  /** Hears who serves what, as a node knows it. */
  hear({ nodes }: ClusterView): void {
    const claims = this.#claims;
    const highest = this.#highest;
    for (const node of nodes) {
      const number = this.#numberOf(node);
      for (const [first, last] of node.slots) {
        for (let slot = first; slot <= last; slot += 1) {
          if ((claims[highest[slot] as number] as Claim).epoch < node.epoch) highest[slot] = number;
        }
      }
    }
  }

  /** The keys of a slot that were there throughout were all seen, on a node that served it. */
  cover(slot: number, by: Claim): void {
    this.#covered[slot] = this.#numberOf(by);
  }

  /** The same of all slots that have a 1. */
  coverAll(held: Uint8Array, by: Claim): void {
    const covered = this.#covered;
    const number = this.#numberOf(by);
    for (let slot = 0; slot < slotCount; slot += 1) if (held[slot] === 1) covered[slot] = number;
  }

  /** A node that was asked for a slot does not serve it. Whom it names is asked next, unless that is who covers it. */
  deny(slot: number, { nodes }: ClusterView): void {
    const owner = nodes.find((node) => serves(node, slot)) ?? nobody;
    const covered = this.#covered[slot] as number;
    const isCovering = this.#claims[covered]?.id === owner.id;
    if (!isCovering) this.#covered[slot] = 0;
    this.#highest[slot] = isCovering ? covered : this.#numberOf(owner);
  }

  /** The slots that are not covered, by the id of the node that is to be asked for them; `undefined` where there is none. */
  left(): ReadonlyMap<string | undefined, readonly number[]> {
    const left = new Map<string | undefined, number[]>();
    const covered = this.#covered;
    const highest = this.#highest;
    for (let slot = 0; slot < slotCount; slot += 1) {
      const by = covered[slot] as number;
      const claimed = highest[slot] as number;
      if (by !== 0 && (by === claimed || this.#outdoes(by, claimed))) continue;
      const { id } = this.#claims[claimed] as Claim;
      const slots = left.get(id);
      if (slots === undefined) left.set(id, [slot]);
      else slots.push(slot);
    }
    return left;
  }

  /** Whether a node that covers a slot need not care who else claims it. */
  #outdoes(covering: number, claimed: number): boolean {
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
