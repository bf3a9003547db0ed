import type { FullStore } from "@kv/core";
import { createStore, type FullDriverNamespace } from "@kv/core/driver";
import { disks } from "../../src/disk/file-system.ts";
import { run } from "../../src/disk/gensync.ts";
import type { FileContext } from "../../src/entries/context.ts";
import { explain } from "../../src/errors/errors.ts";
import { locateNamespace, type NamespaceLocation } from "../../src/format/layout.ts";
import type { Environment } from "../../src/ownership/environment.ts";
import { FileNamespace } from "../../src/store/file-namespace.ts";
import { contextOf } from "../../src/store/file-store.ts";

/** A design that does something else than ours. */
export interface Design {
  /** Changes what all namespaces of a store have in common. */
  readonly context?: (context: FileContext) => void;
  /** The methods that are other than ours. */
  readonly namespace?: (
    context: FileContext,
    location: NamespaceLocation,
    ours: FullDriverNamespace,
  ) => Partial<FullDriverNamespace>;
}

export const ourDesign: Design = {};

/** What a store does that finds the lock of an owner that lives: waits as long as any, or gives up at once. */
export type LockPolicy = "waits" | "gives up";

/** A store of a design, all of whose calls to the disk are made by the thread pool, so that any may be held up. */
export function storeOf(
  design: Design,
  directory: string,
  environment: Partial<Environment> = {},
  lockPolicy: LockPolicy = "waits",
): FullStore {
  const options = { directory, durability: "none", timeout: "30s" } as const;
  const context = contextOf(options, { disk: disks.network, ...environment });
  if (lockPolicy === "gives up") {
    const take = context.locks.acquire.bind(context.locks);
    context.locks.acquire = (owner, lock, call) => take(owner, lock, call, "noWait");
  }
  design.context?.(context);
  const namespace = (path: readonly string[]): FullDriverNamespace => {
    const location = locateNamespace(context.directory.layout.data, path);
    const ours = new FileNamespace(context, location);
    return Object.assign(new FileNamespace(context, location), design.namespace?.(context, location, ours));
  };
  return createStore({
    label: "files",
    root: namespace([]),
    namespace,
    explain,
    close: () => run(context.owners.close()),
  });
}
