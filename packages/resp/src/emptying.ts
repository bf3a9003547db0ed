import { type Buffer, isUtf8 } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import { inBackground } from "@kv/core/driver";
import { keySlot } from "./cluster/key-slot.ts";
import type { KeyLayout } from "./key-layout.ts";
import { removeAll } from "./kinds.ts";
import type { Emptying, Order } from "./order.ts";
import type { Sender } from "./sender.ts";
import type { Argument } from "./transport.ts";
import { walk } from "./walk.ts";

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
    for await (const keys of walk(sender, layout.all)) {
      await removal;
      if (removals.haveFailed) break;
      const left = keys.map(nameOf).filter((key) => typeof key !== "string" || !emptying.cleared.has(key));
      // Together with the next step of the walk.
      removal = removals.add(remove(sender, left));
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
  async add(removals: readonly Promise<unknown>[]): Promise<void> {
    const settled = removals.map((removal) =>
      removal.then(
        () => {
          this.#changed = true;
        },
        (error: unknown) => this.failed(error),
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

/** A string where it can be one: clients write those faster. */
function nameOf(serverKey: Buffer): Argument {
  return isUtf8(serverKey) ? serverKey.toString() : serverKey;
}

function remove(sender: Sender, keys: readonly Argument[]): Promise<unknown>[] {
  if (keys.length === 0) return [];
  if (sender.cluster === undefined) return [sender.ask(removeAll, "", keys)];
  // The keys of a command have to be of one slot on a cluster, and few are.
  return keys.map((key) => sender.ask(removeAll, "", [key], { slot: keySlot(key) }));
}

/** Of an emptying that has removed some keys, or may have: no error may say that it changed nothing. */
function unfinished(error: unknown): unknown {
  if (!isStoreError(error)) return error;
  const message = error.message.replace(" Nothing was changed.", "");
  return new StoreError(
    "KV_OUTCOME_UNKNOWN",
    `not all could be removed: ${message} Call it again to finish it.`,
    { cause: error.cause },
  );
}
