import type { Buffer } from "node:buffer";
import { walkCluster } from "./cluster/walk.ts";
import { inPieces } from "./gathering.ts";
import type { KeySet } from "./key-layout.ts";
import { scanServer } from "./scan-server.ts";
import type { Sender } from "./sender.ts";

/** Whoever gets a page may ask for something of each of its keys at once. */
const longestPage = 1_000;

/** The server's keys of a set, page by page; of a cluster, those of every master. Each that is there throughout comes. */
export async function* walk(
  sender: Sender,
  keys: KeySet,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const { cluster } = sender;
  const pages = cluster === undefined ? scanServer(sender, keys.pattern) : walkCluster(sender, cluster, keys);
  for await (const page of pages) yield* inPieces(page.keys, longestPage);
}
