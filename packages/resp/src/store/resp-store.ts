import type { Duration, FullStore } from "@kv/core";
import { checkName, createStore, type Driver, durationMs } from "@kv/core/driver";
import { explain } from "../errors/errors.ts";
import { keyLayout } from "../keys/key-layout.ts";
import { Pipeline, type PipelineSource } from "../pipeline/pipeline.ts";
import { Sequencer } from "../pipeline/sequencer.ts";
import { RespNamespace } from "./namespace.ts";

/** The options of every store over a server or cluster. */
export interface RespStoreOptions {
  /** The namespace at which the store begins. `null` turns namespacing off (N4). Default: `"KV"`. */
  readonly namespace?: string | null | undefined;

  /**
   * The longest that a call may take; of a large batch, and of a listing, the longest for each chunk. Time in which the event
   * loop stands still does not count. Default: `"5s"`.
   */
  readonly timeout?: Duration | undefined;
}

/** Makes a store over a source of connections, which is not used before the first call. */
export function respStore(label: string, source: PipelineSource, options: RespStoreOptions): FullStore {
  const { namespace = "KV", timeout = "5s" } = options;
  const timeoutMs = durationMs(timeout, "timeout");
  const rootPath = namespace === null ? null : [checkName(namespace)];
  const pipeline = new Pipeline(source, timeoutMs);
  const sequencer = new Sequencer(pipeline);
  const at = (path: readonly string[] | null): RespNamespace =>
    new RespNamespace(pipeline, sequencer, keyLayout(path));

  return createStore(
    {
      label,
      rootPath,
      root: at(rootPath),
      namespace: at,
      copiesValues: true,
      explain,
      close: (remainingMs) => pipeline.close(remainingMs),
    } satisfies Driver,
    { timeout },
  );
}
