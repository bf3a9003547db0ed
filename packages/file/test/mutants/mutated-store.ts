import type { FullStore } from "@kv/core";
import { createStore, type FullDriverNamespace } from "@kv/core/driver";
import { Backend } from "../../src/backend.ts";
import { explain } from "../../src/errors.ts";
import { fileNamespace } from "../../src/file-namespace.ts";
import { disks } from "../../src/files.ts";
import { run } from "../../src/io.ts";
import { type Place, placeOf } from "../../src/layout.ts";
import { ordinary, Session, type Surroundings } from "../../src/session.ts";

/** A design that does something else than ours. */
export interface Design {
  /** Changes what all namespaces of a store have in common. */
  readonly backend?: (backend: Backend) => void;
  /** The methods that are other than ours. */
  readonly namespace?: (
    backend: Backend,
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
  surroundings: Partial<Surroundings> = {},
  patience: Patience = "waits",
): FullStore {
  const around: Surroundings = { ...ordinary, disk: disks.network, ...surroundings };
  const session = new Session(directory, "none", 30_000, around);
  const backend = new Backend(session);
  if (patience === "gives up") {
    const take = backend.locks.take.bind(backend.locks);
    backend.locks.take = (owner, lock, place, deadline) =>
      take(owner, lock, place, { untilMs: deadline.untilMs, impatient: true });
  }
  design.backend?.(backend);
  const namespace = (path: readonly string[]): FullDriverNamespace => {
    const place = placeOf(session.layout.data, path);
    const ours = fileNamespace(backend, place);
    return { ...ours, ...design.namespace?.(backend, place, ours) };
  };
  return createStore({
    label: "files",
    root: namespace([]),
    namespace,
    explain,
    close: () => run(session.close()),
  });
}
