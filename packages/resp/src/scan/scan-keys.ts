import type { Buffer } from "node:buffer";
import { chunk } from "../connection/coalescer.ts";
import type { KeySet } from "../keys/key-layout.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { scanCluster } from "./scan-cluster.ts";
import { scanServer } from "./scan-server.ts";

/** A caller may ask something of each key of a page concurrently. */
const maxPageLength = 1_000;

/**
 * Lists the server's keys of a set, page by page; on a cluster, those of every master. Each key that is there throughout is
 * listed.
 */
export async function* scanKeys(
  pipeline: Pipeline,
  keys: KeySet,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  const { cluster } = pipeline;
  const pages =
    cluster === undefined ? scanServer(pipeline, keys.pattern) : scanCluster(pipeline, cluster, keys);
  for await (const page of pages) yield* chunk(page.keys, maxPageLength);
}
