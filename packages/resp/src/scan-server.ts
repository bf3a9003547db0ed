import type { Buffer } from "node:buffer";
import { StoreError } from "@kv/core";
import type { ClusterView } from "./cluster/view.ts";
import { needsWholeCluster } from "./errors.ts";
import { scan, scanOfNode, serverInfo } from "./kinds.ts";
import type { Sender } from "./sender.ts";
import { type Route, RouteLostError } from "./step.ts";
import type { Link } from "./transport.ts";

/** So many of a server's keys are looked at in one go: more would keep its other clients waiting. */
const keysPerStep = "1000";

export interface Page {
  readonly keys: readonly Buffer[];
  /** Whether the scan began with this page, or began anew. */
  readonly isFirst: boolean;
  /** Of a cluster's node: who served what, before and after the page. */
  readonly views: Views | undefined;
  /** Whether it is read again, as nobody knows what the node had meanwhile. */
  readonly isInDoubt: boolean;
}

/** A node of a cluster, which is to say who serves what. */
export interface ScannedNode {
  readonly address: string;
  /** Reads its reply to CLUSTER NODES. */
  view(reply: unknown): ClusterView;
}

/**
 * The keys of one server, or node of a cluster, that match a pattern, page by page. Each that is there whenever a page is
 * read comes. A page of a node whose epoch changed meanwhile is in doubt, and read again a few times.
 *
 * A cursor means something to the server that gave it, over whichever connection. Another one (it was restarted, or took
 * the place of the first) has another order, and is scanned from the beginning.
 */
export async function* scanServer(
  sender: Sender,
  pattern: string,
  node?: ScannedNode,
): AsyncGenerator<Page, void, undefined> {
  const address = node?.address;
  const kind = node === undefined ? scan : scanOfNode;
  let cursor = "0";
  let isFirst = true;
  let beginnings = 0;
  let losses = 0;
  let doubts = 0;
  let server: Identity | undefined;
  let route: Route = { link: undefined };
  for (;;) {
    if (isFirst && doubts === 0) beginnings += 1;
    if (beginnings > mostTries || losses > mostTries) throw keepsChanging();
    const values = [cursor, "MATCH", pattern, "COUNT", keysPerStep];
    const identified = server ?? identify(sender, address);
    let reply: unknown;
    try {
      reply = await sender.ask(kind, "", values, { address, route });
    } catch (error) {
      if (!(error instanceof RouteLostError)) throw error;
      losses += 1;
      doubts = 0;
      const before = server;
      server = await identify(sender, address);
      route = { link: server.link };
      if (before?.id === undefined || before.id !== server.id) {
        cursor = "0";
        isFirst = true;
      }
      continue;
    }
    losses = 0;
    server = await identified;
    if (server.link !== route.link) server = { ...server, link: route.link, id: undefined };
    if (server.isNode && node === undefined) throw needsWholeCluster();
    const [[next, keys], views] = node === undefined ? [reply as ScanReply] : readPage(node, reply);
    const isInDoubt = views !== undefined && haveDifferentEpochs(views) && doubts < mostTries;
    yield { keys, isFirst, views, isInDoubt };
    if (isInDoubt) {
      doubts += 1;
      continue;
    }
    cursor = String(next);
    isFirst = false;
    doubts = 0;
    if (cursor === "0") return;
  }
}

type ScanReply = readonly [cursor: Buffer, keys: readonly Buffer[]];
type Views = readonly [before: ClusterView, after: ClusterView];

function readPage(node: ScannedNode, reply: unknown): [ScanReply, Views] {
  const [before, page, after] = reply as readonly [unknown, ScanReply, unknown];
  return [page, [node.view(before), node.view(after)]];
}

function haveDifferentEpochs([{ myself: before }, { myself: after }]: Views): boolean {
  return before.id !== after.id || before.epoch !== after.epoch;
}

/** A server, as it was reached. */
interface Identity {
  readonly link: Link | undefined;
  /** Another one after a restart; `undefined` where it does not say. */
  readonly id: string | undefined;
  /** Whether it is a node of a cluster. */
  readonly isNode: boolean;
}

/** Asks a server who it is. Where that fails, whoever needs the answer begins anew. */
async function identify(sender: Sender, address: string | undefined): Promise<Identity> {
  const route: Route = { link: undefined };
  try {
    const info = String(await sender.ask(serverInfo, "", [], { address, route }));
    const isNode = /^(?:redis|server)_mode:cluster/m.test(info);
    return { link: route.link, id: /^run_id:(\w+)/m.exec(info)?.[1], isNode };
  } catch {
    return { link: route.link, id: undefined, isNode: false };
  }
}

/**
 * A scan begins, and looks for the connection of a page, no more often: where each leads to another server, or none lasts, it
 * would never end.
 */
const mostTries = 5;

function keepsChanging(): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    "the connection was lost again and again, or led to another server each time. Nothing was changed.",
  );
}
