import { type Buffer, isUtf8 } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import { inBackground } from "@kv/core/driver";
import type { KeyLayout } from "./key-layout.ts";
import { readyTransport, removeAll, scan, serverInfo } from "./kinds.ts";
import type { Emptying, Order } from "./order.ts";
import type { Sender } from "./sender.ts";
import { type Route, RouteLostError } from "./step.ts";
import type { Argument, Link, ServerNode, Transport } from "./transport.ts";

/** So many of a server's keys are looked at in one go: more would keep its other clients waiting. */
const keysPerStep = "1000";

export interface Page {
  /** Of a cluster, the master that holds them. */
  readonly node: ServerNode | undefined;
  readonly keys: readonly Buffer[];
}

/** The server's keys that match a pattern, page by page, of every master. Each that is there throughout comes. */
export async function* walk(sender: Sender, pattern: string): AsyncGenerator<Page, void, undefined> {
  const transport = (await sender.ask(readyTransport)) as Transport;
  for (const node of transport.isCluster ? transport.masters() : [undefined]) {
    try {
      for await (const keys of walkNode(sender, node, pattern)) yield { node, keys };
    } catch (error) {
      throw inPart(node, error);
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
    let removal: Promise<unknown> = Promise.resolve();
    for await (const { node, keys } of walk(sender, layout.all)) {
      await removal;
      if (removals.haveFailed) break;
      const left = keys.map(nameOf).filter((key) => typeof key !== "string" || !emptying.cleared.has(key));
      // Together with the next step of the walk.
      removal = removals.add(remove(sender, node, left), (error) => inPart(node, error));
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

/**
 * A cursor means something to the server that gave it, over whichever connection. Another one (it was restarted, or took
 * the place of the first) has another order, and is walked from the beginning.
 */
async function* walkNode(
  sender: Sender,
  node: ServerNode | undefined,
  pattern: string,
): AsyncGenerator<Buffer[]> {
  let cursor = "0";
  let beginnings = 0;
  let losses = 0;
  let server: Server | undefined;
  let route: Route = { link: undefined };
  for (;;) {
    if (cursor === "0") beginnings += 1;
    if (beginnings > mostTries || losses > mostTries) throw keepsChanging();
    const values = [cursor, "MATCH", pattern, "COUNT", keysPerStep];
    const identified = server ?? identify(sender, node);
    let page: [Buffer, Buffer[]];
    try {
      page = (await sender.ask(scan, "", values, node, route)) as [Buffer, Buffer[]];
    } catch (error) {
      if (!(error instanceof RouteLostError)) throw error;
      losses += 1;
      const before = server;
      server = await identify(sender, node);
      route = { link: server.link };
      if (before?.id === undefined || before.id !== server.id) cursor = "0";
      continue;
    }
    losses = 0;
    server = await identified;
    if (server.link !== route.link) server = { link: route.link, id: undefined };
    const [next, keys] = page;
    cursor = String(next);
    if (keys.length > 0) yield keys;
    if (cursor === "0") return;
  }
}

/** A server, as it was reached. */
interface Server {
  readonly link: Link | undefined;
  /** Another one after a restart; `undefined` where it does not say. */
  readonly id: string | undefined;
}

/** Asks a server who it is. Where that fails, whoever needs the answer begins anew. */
async function identify(sender: Sender, node: ServerNode | undefined): Promise<Server> {
  const route: Route = { link: undefined };
  try {
    const info = await sender.ask(serverInfo, "", [], node, route);
    return { link: route.link, id: /^run_id:(\w+)/m.exec(String(info))?.[1] };
  } catch {
    return { link: route.link, id: undefined };
  }
}

/**
 * A walk begins, and looks for the connection of a page, no more often: where each leads to another server, or none lasts, it
 * would never end.
 */
const mostTries = 5;

function keepsChanging(): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    "the connection was lost again and again, or led to another server each time. Nothing was changed.",
  );
}

/** A string where it can be one: clients write those faster. */
function nameOf(serverKey: Buffer): Argument {
  return isUtf8(serverKey) ? serverKey.toString() : serverKey;
}

function remove(sender: Sender, node: ServerNode | undefined, keys: readonly Argument[]): Promise<unknown>[] {
  if (keys.length === 0) return [];
  // The keys of a command have to be of one slot on a cluster, and few are.
  return node === undefined
    ? [sender.ask(removeAll, "", keys)]
    : keys.map((key) => sender.ask(removeAll, "", [key]));
}

/** Says in which part of a cluster a walk failed; a repeat finishes it. */
function inPart(node: ServerNode | undefined, error: unknown): unknown {
  if (node === undefined || !isStoreError(error)) return error;
  const message = `in the part at ${node.address}: ${error.message}${again}`;
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
