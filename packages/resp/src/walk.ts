import { type Buffer, isUtf8 } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import { inBackground } from "@kv/core/driver";
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
  const removals = new Removals();
  const emptying: Emptying = {
    layout,
    cleared: new Set(),
    removing: (removal) => inBackground(() => removals.add([removal])),
  };
  order.beginEmptying(emptying);
  try {
    const client = (await sender.ask(readyClient)) as RespClient;
    let removal: Promise<unknown> = Promise.resolve();
    for await (const { node, keys } of walk(sender, layout.all)) {
      await removal;
      if (removals.haveFailed) break;
      const left = keys.map(nameOf).filter((key) => typeof key !== "string" || !emptying.cleared.has(key));
      // Together with the next step of the walk.
      removal = removals.add(remove(sender, client, left), (error) => inPart(client, node, error));
    }
  } catch (error) {
    removals.failed(error);
  } finally {
    order.endEmptying(emptying);
  }
  await removals.end();
}

/** What has come of the removals of a namespace's keys. */
class Removals {
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  /** Whether a key was removed, or may be. */
  #changed = false;

  get haveFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Counts removals that were sent, and waits for them. */
  async add(
    removals: readonly Promise<unknown>[],
    explain: (error: unknown) => unknown = (error) => error,
  ): Promise<void> {
    const settled = removals.map((removal) =>
      removal.then(
        () => {
          this.#changed = true;
        },
        (error: unknown) => this.failed(explain(error)),
      ),
    );
    const all = Promise.all(settled).then(() => undefined);
    this.#underWay.add(all);
    await all;
    this.#underWay.delete(all);
  }

  failed(error: unknown): void {
    this.#changed ||= isStoreError(error, "KV_OUTCOME_UNKNOWN");
    this.#failure ??= { error };
  }

  /** Waits for all, and fails where one has failed: as something that changed nothing only where nothing was. */
  async end(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure === undefined) return;
    const { error } = this.#failure;
    throw this.#changed ? unfinished(error) : error;
  }
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

function remove(sender: Sender, client: RespClient, keys: readonly Argument[]): Promise<unknown>[] {
  if (keys.length === 0) return [];
  // The keys of a command have to be of one slot on a cluster, and few are.
  return client.isCluster === true
    ? keys.map((key) => sender.ask(removeAll, "", [key]))
    : [sender.ask(removeAll, "", keys)];
}

/** Says in which part of a cluster a walk failed; a repeat finishes it. */
function inPart(client: RespClient, node: RespClient, error: unknown): unknown {
  if (client.isCluster !== true || !isStoreError(error)) return error;
  const message = `in the part at ${addressOf(node)}: ${error.message}${again}`;
  return new StoreError(error.code, message, { cause: error.cause });
}

/** Of an emptying that has removed some keys, or may have: no error may say that it changed nothing. */
function unfinished(error: unknown): unknown {
  if (!isStoreError(error)) return error;
  const message = error.message.replace(" Nothing was changed.", "").replace(again, "");
  return new StoreError("KV_OUTCOME_UNKNOWN", `not all could be removed: ${message}${again}`, {
    cause: error.cause,
  });
}

const again = " Call it again to finish it.";
