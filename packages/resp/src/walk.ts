import { Buffer, isUtf8 } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import type { KeyLayout } from "./key-layout.ts";
import { masters, removeCounted, removeRaw, scan } from "./kinds.ts";
import type { Emptying, Order } from "./order.ts";
import { addressOf, type RespClient, socketOf } from "./resp-client.ts";
import type { Sender } from "./sender.ts";

/** So many of a server's keys are looked at in one go: more would keep its other clients waiting. */
const keysPerStep = "1000";

/** The server's keys that match a pattern, page by page, of every master. Each that is there throughout comes. */
export async function* walk(sender: Sender, pattern: string): AsyncGenerator<Buffer[], void, undefined> {
  const nodes = (await sender.ask(masters)) as readonly RespClient[];
  for (const node of nodes) {
    try {
      yield* walkNode(sender, node, pattern);
    } catch (error) {
      throw nodes.length > 1 ? atNode(node, error) : error;
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
    let removal: Promise<unknown> = Promise.resolve();
    for await (const page of walk(sender, layout.all)) {
      await removal;
      removal = removeAll(sender, page, emptying.cleared); // together with the next step of the walk
      removal.catch(failed);
      if (failure !== undefined) break;
    }
    await removal.catch(failed);
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

async function removeAll(
  sender: Sender,
  serverKeys: readonly Buffer[],
  except: ReadonlySet<string>,
): Promise<void> {
  const kind = removeCounted();
  const removals: Promise<unknown>[] = [];
  for (const serverKey of serverKeys) {
    if (!isUtf8(serverKey)) removals.push(sender.ask(removeRaw, "", [Buffer.from(serverKey)]));
    else {
      const key = serverKey.toString();
      if (!except.has(key)) removals.push(sender.ask(kind, key));
    }
  }
  await Promise.all(removals);
}

/** Says in which part of a cluster a walk failed; a repeat finishes it. */
function atNode(node: RespClient, error: unknown): unknown {
  if (!isStoreError(error)) return error;
  return new StoreError(
    error.code,
    `in the part at ${addressOf(node)}: ${error.message} Call it again to finish it.`,
    {
      cause: error.cause,
    },
  );
}
