import { type Buffer, isUtf8 } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import type { KeyLayout } from "./key-layout.ts";
import { readyClient, removeAll, scan } from "./kinds.ts";
import type { Emptying, Order } from "./order.ts";
import { type Argument, addressOf, mastersOf, type RespClient, socketOf } from "./resp-client.ts";
import type { Sender } from "./sender.ts";

/** So many of a server's keys are looked at in one go: more would keep its other clients waiting. */
const keysPerStep = "1000";

export interface Page {
  /** The master that holds them. */
  readonly node: RespClient;
  readonly keys: readonly Buffer[];
}

/** The server's keys that match a pattern, page by page, of every master. Each that is there throughout comes. */
export async function* walk(sender: Sender, pattern: string): AsyncGenerator<Page, void, undefined> {
  const client = (await sender.ask(readyClient)) as RespClient;
  for (const node of mastersOf(client)) {
    try {
      for await (const keys of walkNode(sender, node, pattern)) yield { node, keys };
    } catch (error) {
      throw inPart(client, node, error);
    }
  }
}

/** Removes a namespace and all below it. */
export async function empty(sender: Sender, order: Order, layout: KeyLayout): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const failed = (error: unknown): void => {
    failure ??= { error };
  };
  const emptying: Emptying = { layout, cleared: new Set(), failed };
  order.beginEmptying(emptying);
  try {
    const client = (await sender.ask(readyClient)) as RespClient;
    let removal: Promise<void> = Promise.resolve();
    for await (const { node, keys } of walk(sender, layout.all)) {
      await removal;
      if (failure !== undefined) break;
      const left = keys.map(nameOf).filter((key) => typeof key !== "string" || !emptying.cleared.has(key));
      // Together with the next step of the walk.
      removal = remove(sender, client, left).catch((error: unknown) => failed(inPart(client, node, error)));
    }
    await removal;
  } finally {
    order.endEmptying(emptying);
  }
  if (failure !== undefined) throw failure.error;
}

async function* walkNode(sender: Sender, node: RespClient, pattern: string): AsyncGenerator<Buffer[]> {
  let cursor = "0";
  let connection = socketOf(node);
  do {
    // A server that was restarted, or took the place of another, has another order: a cursor means nothing to it.
    if (cursor !== "0" && socketOf(node) !== connection) cursor = "0";
    const values = [cursor, "MATCH", pattern, "COUNT", keysPerStep];
    const [next, keys] = (await sender.ask(scan, "", values, node, cursor === "0")) as [Buffer, Buffer[]];
    if (cursor === "0") connection = socketOf(node);
    cursor = String(next);
    if (keys.length > 0) yield keys;
  } while (cursor !== "0");
}

/** A string where it can be one: clients write those faster. */
function nameOf(serverKey: Buffer): Argument {
  return isUtf8(serverKey) ? serverKey.toString() : serverKey;
}

async function remove(sender: Sender, client: RespClient, keys: readonly Argument[]): Promise<void> {
  // The keys of a command have to be of one slot on a cluster, and few are.
  if (client.isCluster === true) await Promise.all(keys.map((key) => sender.ask(removeAll, "", [key])));
  else if (keys.length > 0) await sender.ask(removeAll, "", keys);
}

/** Says in which part of a cluster a walk failed; a repeat finishes it. */
function inPart(client: RespClient, node: RespClient, error: unknown): unknown {
  if (client.isCluster !== true || !isStoreError(error)) return error;
  const message = `in the part at ${addressOf(node)}: ${error.message} Call it again to finish it.`;
  return new StoreError(error.code, message, { cause: error.cause });
}
