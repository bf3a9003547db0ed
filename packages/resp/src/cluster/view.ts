import type { Buffer } from "node:buffer";
import type { NodeAddress } from "../transport/transport.ts";

/** A node, as another node sees it. */
export interface NodeView {
  readonly id: string;
  /** Its IP address and port, by which the other nodes reach it. */
  readonly address: string;
  /** Its host name and port, where it has a name. */
  readonly namedAddress: string | undefined;
  readonly isMaster: boolean;
  /** The configuration epoch, which grows when it gains slots: of two nodes that claim one, the higher epoch has it. */
  readonly epoch: number;
  readonly slots: readonly SlotRange[];
}

/** First and last slot. */
export type SlotRange = readonly [first: number, last: number];

/** A cluster, as one of its nodes sees it. */
export interface ClusterView {
  readonly nodes: readonly NodeView[];
  readonly myself: NodeView;
  /** The slots that it is migrating away, and the node that gets each. */
  readonly migrating: ReadonlyMap<number, string>;
  /** The slots that it is importing, and the node that gives each. */
  readonly importing: ReadonlyMap<number, string>;
}

/**
 * Reads the reply to CLUSTER NODES.
 *
 * @throws SyntaxError where no line is the node's own
 */
export function parseNodes(text: string): ClusterView {
  const nodes: NodeView[] = [];
  const migrating = new Map<number, string>();
  const importing = new Map<number, string>();
  let myself: NodeView | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [id = "", addressField = "", flagList = "", , , , epoch = "", , ...served] = line.split(" ");
    const flags = flagList.split(",");
    const isMyself = flags.includes("myself");
    const slots: SlotRange[] = [];
    for (const range of served) {
      const [, slot = "", direction, other = ""] = marker.exec(range) ?? [];
      if (direction === undefined) slots.push(parseRange(range));
      else (direction === ">" ? migrating : importing).set(Number(slot), other);
    }
    const [, address = "", name = ""] = /^(.*?)(?:@\d+)?(?:,([^,]*).*)?$/.exec(addressField) ?? [];
    const { port } = parseAddress(address);
    const node: NodeView = {
      id,
      address,
      namedAddress: name === "" ? undefined : formatAddress({ host: name, port }),
      isMaster: flags.includes("master"),
      epoch: Number(epoch),
      slots,
    };
    nodes.push(node);
    if (isMyself) myself = node;
  }
  if (myself === undefined) throw new SyntaxError("This is no reply to CLUSTER NODES.");
  return { nodes, myself, migrating, importing };
}

/** Tells whether a node serves a slot. */
export function serves({ slots }: NodeView, slot: number): boolean {
  return slots.some(([first, last]) => first <= slot && slot <= last);
}

/** The marker of a moving slot, as in `[93->-` and an id, or `[93-<-` and an id. */
const marker = /^\[(\d+)-([<>])-(\w+)\]$/;

function parseRange(text: string): SlotRange {
  const [first = "", last = first] = text.split("-");
  return [Number(first), Number(last)];
}

/** The reply to CLUSTER SLOTS, which alone tells by which address a node wants to be reached. */
export interface Serving {
  /** The ranges, each with the address of its master. */
  readonly ranges: readonly { readonly slots: SlotRange; readonly address: string }[];
  /** The addresses of masters and replicas, by their ids. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** A node of a range. Numbers may come as text. */
type SlotsNode = readonly [host: Buffer | null, port: unknown, id: Buffer];

/** Reads the reply to CLUSTER SLOTS. `asked` is the node that gave it, and `listed` are the nodes that CLUSTER NODES lists there. */
export function parseSlots(reply: unknown, asked: NodeAddress, listed: readonly NodeView[]): Serving {
  const ranges: Serving["ranges"][number][] = [];
  const addresses = new Map<string, string>();
  for (const [first, last, ...nodes] of reply as readonly (readonly [unknown, unknown, ...SlotsNode[]])[]) {
    for (const [host, port, id] of nodes) {
      const name = host === null ? "" : host.toString();
      const named = formatAddress({ host: name === "" ? asked.host : name, port: Number(port) });
      const own = listed.find((node) => node.id === id.toString())?.address;
      addresses.set(id.toString(), name === "?" ? (own ?? named) : named); // a name that is not known yet
    }
    const address = addresses.get(String(nodes[0]?.[2]));
    if (address !== undefined) ranges.push({ slots: [Number(first), Number(last)], address });
  }
  return { ranges, addresses };
}

/** Formats an address as redirections do: `127.0.0.1:6379`. */
export function formatAddress({ host, port }: NodeAddress): string {
  return `${host}:${port}`;
}

/** Parses an address of the form of `formatAddress`; an empty host is that of `asked`. */
export function parseAddress(address: string, asked?: NodeAddress): NodeAddress {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at);
  return {
    host: host === "" && asked !== undefined ? asked.host : host,
    port: Number(address.slice(at + 1)),
  };
}
