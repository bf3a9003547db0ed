import { until } from "../process/until.ts";
import type { RunningServer } from "../servers/server.ts";

const AGREED_WITHIN_MS = 120_000;

/** A node as another one sees it: a line of CLUSTER NODES. */
export interface NodeView {
  id: string;
  port: number;
  isMaster: boolean;
  isMyself: boolean;
  /** Of a replica. */
  masterId: string | undefined;
  /** Of the master that it is, or has. Of two masters that claim a slot, the one with the greater epoch has it. */
  epoch: number;
  /** Neither failed, nor suspected, nor still shaking hands. */
  isLive: boolean;
  /** First and last slot of each range it serves. */
  slots: (readonly [first: number, last: number])[];
}

/** The cluster as `node` sees it. */
export async function viewFrom(node: RunningServer): Promise<NodeView[]> {
  const lines = String(await node.command("CLUSTER", "NODES"))
    .trim()
    .split("\n");
  return lines.map(parse);
}

/** Those that serve slots. */
export function owners(view: readonly NodeView[]): NodeView[] {
  return view.filter(({ isLive, isMaster, slots }) => isLive && isMaster && slots.length > 0);
}

/**
 * Waits until all nodes know the same masters, with the same slots and epochs, which all differ. Where a slot is moved before that,
 * epochs may collide: a node would hear too early that it has lost a slot, and drop its keys.
 */
export async function untilAgreed(nodes: readonly RunningServer[]): Promise<void> {
  await until("all nodes agree on who serves which slots", AGREED_WITHIN_MS, async () =>
    (await haveAgreed(nodes)) ? true : undefined,
  );
}

/** Whether they do. */
export async function haveAgreed(nodes: readonly RunningServer[]): Promise<boolean> {
  const answering = nodes.filter(({ running, paused }) => running && !paused);
  const views = await Promise.all(answering.map(viewFrom));
  const masters = views.map((view) =>
    owners(view)
      .map(({ id, epoch, slots }) => ({ id, epoch, slots }))
      .toSorted((one, other) => one.id.localeCompare(other.id)),
  );
  const [first = []] = masters;
  const epochs = new Set(first.map(({ epoch }) => epoch));
  return epochs.size === first.length && new Set(masters.map((each) => JSON.stringify(each))).size === 1;
}

/** A master, as it sees itself: what others say of it may be old. */
export interface Master {
  readonly node: RunningServer;
  readonly id: string;
  readonly slots: readonly (readonly [first: number, last: number])[];
}

/** The masters of a cluster that answer. */
export async function mastersAmong(nodes: readonly RunningServer[]): Promise<Master[]> {
  const answering = nodes.filter(({ running, paused }) => running && !paused);
  const selves = await Promise.all(
    answering.map(async (node) => {
      const self = (await viewFrom(node)).find(({ isMyself }) => isMyself);
      return self?.isMaster === true ? [{ node, id: self.id, slots: self.slots }] : [];
    }),
  );
  return selves.flat();
}

/** The one of them that serves a slot. */
export function masterOfSlot(masters: readonly Master[], slot: number): Master {
  const master = masters.find(({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last));
  if (master === undefined) throw new Error(`Nobody serves slot ${slot}`);
  return master;
}

function parse(line: string): NodeView {
  const [id = "", address = "", flagList = "", masterId, , , epoch, link = "", ...ranges] = line.split(" ");
  const flags = new Set(flagList.split(","));
  const isMyself = flags.has("myself");
  const isUnwell = ["fail", "fail?", "handshake", "noaddr"].some((flag) => flags.has(flag));
  return {
    id,
    port: Number(/:(\d+)@/.exec(address)?.[1]),
    isMaster: flags.has("master"),
    isMyself,
    masterId: masterId === "-" ? undefined : masterId,
    epoch: Number(epoch),
    isLive: !isUnwell && (isMyself || link === "connected"),
    slots: ranges.filter((range) => !range.startsWith("[")).map(parseRange),
  };
}

function parseRange(range: string): readonly [number, number] {
  const [first = "", last = first] = range.split("-");
  return [Number(first), Number(last)];
}
