import type { RunningServer } from "./server.ts";

/** A node as another one sees it: a line of CLUSTER NODES. */
export interface NodeView {
  id: string;
  port: number;
  isMaster: boolean;
  isMyself: boolean;
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

function parse(line: string): NodeView {
  const [id = "", address = "", flagList = "", , , , , link = "", ...ranges] = line.split(" ");
  const flags = new Set(flagList.split(","));
  const isMyself = flags.has("myself");
  const isUnwell = ["fail", "fail?", "handshake", "noaddr"].some((flag) => flags.has(flag));
  return {
    id,
    port: Number(/:(\d+)@/.exec(address)?.[1]),
    isMaster: flags.has("master"),
    isMyself,
    isLive: !isUnwell && (isMyself || link === "connected"),
    slots: ranges.filter((range) => !range.startsWith("[")).map(parseRange),
  };
}

function parseRange(range: string): readonly [number, number] {
  const [first = "", last = first] = range.split("-");
  return [Number(first), Number(last)];
}
