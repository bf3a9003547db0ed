import type { FullStore } from "@kv/core";
import { createStore, type FullDriverNamespace } from "@kv/core/driver";
import type { FileContext } from "../../src/context.ts";
import { explain } from "../../src/errors.ts";
import { FileNamespace } from "../../src/file-namespace.ts";
import { contextOf } from "../../src/file-store.ts";
import { disks } from "../../src/files.ts";
import { run } from "../../src/gensync.ts";
import { type Place, placeOf } from "../../src/layout.ts";
import type { Environment } from "../../src/store-directory.ts";

/** A design that does something else than ours. */
export interface Design {
  /** Changes what all namespaces of a store have in common. */
  readonly context?: (context: FileContext) => void;
  /** The methods that are other than ours. */
  readonly namespace?: (
    context: FileContext,
    place: Place,
    ours: FullDriverNamespace,
  ) => Partial<FullDriverNamespace>;
}

export const ourDesign: Design = {};

/** What a store does that finds the lock of an owner that lives: waits as long as any, or gives up at once. */
export type Patience = "waits" | "gives up";

/** A store of a design, all of whose calls to the disk are made by the thread pool, so that any may be held up. */
export function storeOf(
  design: Design,
  directory: string,
  environment: Partial<Environment> = {},
  patience: Patience = "waits",
): FullStore {
  const options = { directory, durability: "none", timeout: "30s" } as const;
  const context = contextOf(options, { disk: disks.network, ...environment });
  if (patience === "gives up") {
    const take = context.locks.take.bind(context.locks);
    context.locks.take = (owner, lock, call) => take(owner, lock, call, "leaves");
  }
  design.context?.(context);
  const namespace = (path: readonly string[]): FullDriverNamespace => {
    const place = placeOf(context.directory.layout.data, path);
    const ours = new FileNamespace(context, place);
    return Object.assign(new FileNamespace(context, place), design.namespace?.(context, place, ours));
  };
  return createStore({
    label: "files",
    root: namespace([]),
    namespace,
    explain,
    close: () => run(context.owners.close()),
  });
}
