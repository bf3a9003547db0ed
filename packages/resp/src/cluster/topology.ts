import { slotCount } from "../keys/key-slot.ts";
import { type NodeView, parseAddress, parseNodes, parseSlots } from "./view.ts";

/** The nodes of a cluster, and who serves which slot, as a node last told or redirected. */
export class Topology {
  /** The addresses of the nodes that serve slots; none until the cluster was asked. */
  masters: readonly string[] = [];
  /** The address by which each node is reached, by its id. */
  addresses: ReadonlyMap<string, string> = new Map();
  /** The address of the node that serves a slot; `undefined` where none does. */
  readonly #owners: (string | undefined)[] = Array.from({ length: slotCount });
  /** Nodes are reached by their names: a certificate may be valid for nothing else. */
  #usesNames = false;

  ownerOf(slot: number): string | undefined {
    return this.#owners[slot];
  }

  /** Notes a redirection: that node serves the slot from now on. */
  setOwner(slot: number, address: string): void {
    this.#owners[slot] = address;
  }

  /** Tells by which address a node is reached. Nodes without slots are announced to other nodes only. */
  addressOf({ id, address, namedAddress }: NodeView): string {
    return this.addresses.get(id) ?? (this.#usesNames ? namedAddress : undefined) ?? address;
  }

  /**
   * Takes over what the node at that address has told, in reply to `clusterTopology`. Returns the addresses of all masters, those
   * without slots too; `undefined` where the node knows of none that serves slots, so that nothing was taken over.
   */
  update(reply: unknown, address: string): ReadonlySet<string> | undefined {
    const asked = parseAddress(address);
    const [slotsReply, nodesReply] = reply as readonly [slots: unknown, nodes: unknown];
    const { nodes } = parseNodes(String(nodesReply));
    const { ranges, addresses } = parseSlots(slotsReply, asked, nodes);
    if (ranges.length === 0) return undefined;
    this.#owners.fill(undefined);
    for (const { slots, address: owner } of ranges) this.#owners.fill(owner, slots[0], slots[1] + 1);
    this.masters = Array.from(new Set(ranges.map(({ address: owner }) => owner)));
    this.addresses = addresses;
    this.#usesNames = nodes.some(
      ({ id, namedAddress: name }) => name !== undefined && addresses.get(id) === name,
    );
    const masters = nodes.filter(({ isMaster }) => isMaster);
    return new Set([...this.masters, ...masters.map((node) => this.addressOf(node))]);
  }
}
