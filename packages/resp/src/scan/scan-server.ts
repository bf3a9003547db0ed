import type { Buffer } from "node:buffer";
import { StoreError } from "@kv/core";
import type { ClusterView } from "../cluster/view.ts";
import { type Route, RouteLostError } from "../commands/operation.ts";
import { scan, scanOfNode, serverInfo } from "../commands/operations.ts";
import { needsWholeCluster } from "../errors/errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Link } from "../transport/transport.ts";

/** The number of keys that one SCAN looks at: more would keep the server's other clients waiting. */
const keysPerPage = "1000";

export interface Page {
  readonly keys: readonly Buffer[];
  /** It is the first page of the scan, or of a scan that had to begin again. */
  readonly isFirst: boolean;
  /** The views of a cluster's node before and after the page. */
  readonly views: Views | undefined;
  /** It is read again, since the slots of the node changed meanwhile. */
  readonly isInDoubt: boolean;
}

/** A node of a cluster, asked for its view with each page. */
export interface ScannedNode {
  readonly address: string;
  /** Reads its reply to CLUSTER NODES. */
  view(reply: unknown): ClusterView;
}

/**
 * Lists the keys of one server, or node of a cluster, that match a pattern, page by page. Each key that is there whenever a page
 * is read is listed. A page of a node whose epoch changed meanwhile is in doubt, and read again a few times.
 *
 * A cursor is valid on the server that gave it, over any connection. Another server (the first was restarted, or replaced)
 * has another order, and is scanned from the beginning.
 */
export async function* scanServer(
  pipeline: Pipeline,
  pattern: string,
  node?: ScannedNode,
): AsyncGenerator<Page, void, undefined> {
  const address = node?.address;
  const type = node === undefined ? scan : scanOfNode;
  let cursor = "0";
  let isFirst = true;
  let beginnings = 0;
  let losses = 0;
  let doubts = 0;
  let server: ServerIdentity | undefined;
  let route: Route = { link: undefined };
  for (;;) {
    if (isFirst && doubts === 0) beginnings += 1;
    if (beginnings > maxTries || losses > maxTries) throw serverKeepsChanging();
    const values = [cursor, "MATCH", pattern, "COUNT", keysPerPage];
    const identified = server ?? identifyServer(pipeline, address);
    let reply: unknown;
    try {
      reply = await pipeline.request(type, "", values, { address, route });
    } catch (error) {
      if (!(error instanceof RouteLostError)) throw error;
      losses += 1;
      doubts = 0;
      const before = server;
      server = await identifyServer(pipeline, address);
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
    const isInDoubt = views !== undefined && haveDifferentEpochs(views) && doubts < maxTries;
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

/** A server, and the connection over which it was identified. */
interface ServerIdentity {
  readonly link: Link | undefined;
  /** Changes with a restart; `undefined` where the server does not tell it. */
  readonly id: string | undefined;
  /** It is a node of a cluster. */
  readonly isNode: boolean;
}

/** Asks a server for its identity. Where that fails it has none, and a scan that depends on it begins again. */
async function identifyServer(pipeline: Pipeline, address: string | undefined): Promise<ServerIdentity> {
  const route: Route = { link: undefined };
  try {
    const info = String(await pipeline.request(serverInfo, "", [], { address, route }));
    const isNode = /^(?:redis|server)_mode:cluster/m.test(info);
    return { link: route.link, id: /^run_id:(\w+)/m.exec(info)?.[1], isNode };
  } catch {
    return { link: route.link, id: undefined, isNode: false };
  }
}

/**
 * The limit of beginnings of a scan, and of connections tried for a page: where each connection leads to another server, or none lasts, it
 * would never end.
 */
const maxTries = 5;

function serverKeepsChanging(): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    "the connection kept getting lost, or led to another server each time. Nothing was changed.",
  );
}
