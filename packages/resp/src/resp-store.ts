import type { Duration, FullStore } from "@kv/core";
import { checkName, createStore, type Driver, durationMs, type FullDriverNamespace } from "@kv/core/driver";
import { explain } from "./errors.ts";
import { keyLayout } from "./key-layout.ts";
import { Order } from "./order.ts";
import { respNamespace } from "./resp-namespace.ts";
import { Sender, type SenderSource } from "./sender.ts";

export interface RespStoreOptions {
  /** The namespace at which the store begins: `"KV"` unless told. `null` turns namespacing off (N4). */
  readonly namespace?: string | null | undefined;

  /**
   * The longest that a call may take: `"5s"` unless told. Of a large batch, and of a listing, it counts for each piece. Time in
   * which the event loop stands still does not count.
   */
  readonly timeout?: Duration | undefined;
}

/** Makes a store over a client, which is not touched before the first call. */
export function respStore(label: string, source: SenderSource, options: RespStoreOptions): FullStore {
  const { namespace = "KV", timeout = "5s" } = options;
  const timeoutMs = durationMs(timeout, "timeout");
  const rootPath = namespace === null ? null : [checkName(namespace)];
  const sender = new Sender(source, timeoutMs);
  const order = new Order(sender);
  const at = (path: readonly string[] | null): FullDriverNamespace =>
    respNamespace(sender, order, keyLayout(path));

  return createStore(
    {
      label,
      rootPath,
      root: at(rootPath),
      namespace: at,
      copiesValues: true,
      explain,
      close: (remainingMs) => sender.close(remainingMs),
    } satisfies Driver,
    { timeout },
  );
}
