import { type Buffer, isUtf8 } from "node:buffer";
import { isStoreError, StoreError } from "@kv/core";
import { inBackground } from "@kv/core/driver";
import { removeAll } from "../commands/operations.ts";
import type { KeyLayout } from "../keys/key-layout.ts";
import { keySlot } from "../keys/key-slot.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { NamespaceClear, Sequencer } from "../pipeline/sequencer.ts";
import { scanKeys } from "../scan/scan-keys.ts";
import type { Argument } from "../transport/transport.ts";

/** Removes a namespace and all below it. */
export async function clearNamespace(
  pipeline: Pipeline,
  sequencer: Sequencer,
  layout: KeyLayout,
): Promise<void> {
  const removals = new Removals();
  const clear: NamespaceClear = {
    layout,
    preDeleted: new Set(),
    preDeleting: (removal) => inBackground(() => removals.track([removal])),
  };
  sequencer.beginClear(clear);
  try {
    let removal: Promise<unknown> = Promise.resolve();
    for await (const keys of scanKeys(pipeline, layout.all)) {
      await removal;
      if (removals.hasFailed) break;
      const left = keys
        .map(keyArgument)
        .filter((key) => typeof key !== "string" || !clear.preDeleted.has(key));
      // Not awaited yet: it goes together with the next operation of the scan.
      removal = removals.track(unlinkKeys(pipeline, left));
    }
  } catch (error) {
    removals.fail(error);
  } finally {
    sequencer.endClear(clear);
  }
  await removals.finish();
}

/** The outcome of the removals of a namespace's keys. */
class Removals {
  readonly #inFlight = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  /** A key was removed, or may have been. */
  #hasChanged = false;

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Counts in removals that were sent, and waits for them. */
  async track(removals: readonly Promise<unknown>[]): Promise<void> {
    const settled = removals.map((removal) =>
      removal.then(
        () => {
          this.#hasChanged = true;
        },
        (error: unknown) => this.fail(error),
      ),
    );
    const all = Promise.all(settled).then(() => undefined);
    this.#inFlight.add(all);
    await all;
    this.#inFlight.delete(all);
  }

  fail(error: unknown): void {
    this.#hasChanged ||= isStoreError(error, "KV_OUTCOME_UNKNOWN");
    this.#failure ??= { error };
  }

  /** Waits for all, and fails where one has failed; the error says that nothing was changed only where that is so. */
  async finish(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failure === undefined) return;
    const { error } = this.#failure;
    throw this.#hasChanged ? incomplete(error) : error;
  }
}

/** Turns a key into a string where it can be one: clients write those faster. */
function keyArgument(serverKey: Buffer): Argument {
  return isUtf8(serverKey) ? serverKey.toString() : serverKey;
}

function unlinkKeys(pipeline: Pipeline, keys: readonly Argument[]): Promise<unknown>[] {
  if (keys.length === 0) return [];
  if (pipeline.cluster === undefined) return [pipeline.request(removeAll, "", keys)];
  // On a cluster the keys of a command have to be of one slot, and few are.
  return keys.map((key) => pipeline.request(removeAll, "", [key], { slot: keySlot(key) }));
}

/** The error of a removal that was cut short after keys were removed, or may have been. */
function incomplete(error: unknown): unknown {
  if (!isStoreError(error)) return error;
  const message = error.message.replace(" Nothing was changed.", "");
  return new StoreError(
    "KV_OUTCOME_UNKNOWN",
    `some keys may be left: ${message} Call deleteAll again to remove them.`,
    { cause: error.cause },
  );
}
