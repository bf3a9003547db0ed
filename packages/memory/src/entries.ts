import { type Answer, bytesOf, type DriverValue } from "@kv/core/driver";
import { type Limits, unlink } from "./limits.ts";
import { type Entry, type NamespaceNode, NamespaceTree, nodesFrom } from "./namespace-tree.ts";
import { inSlices } from "./slices.ts";

/** The entries of a memory store: lazy expiry, limits, and removal in bulk. All but the removals are one step. */
export class Entries {
  readonly tree: NamespaceTree = new NamespaceTree();
  readonly now: () => number;
  readonly #limits: Limits | undefined;

  constructor(now: () => number, limits: Limits | undefined) {
    this.now = now;
    this.#limits = limits;
  }

  /** The entry, as used and renewed just now, by one look at the clock; an expired one is removed on the way. */
  live(node: NamespaceNode, key: string, renewForMs?: number): Entry | undefined {
    const entry = node.entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs !== Number.POSITIVE_INFINITY) {
      const nowMs = this.now();
      if (entry.expiresAtMs <= nowMs) {
        this.remove(node, key, entry);
        return undefined;
      }
      if (renewForMs !== undefined) entry.expiresAtMs = nowMs + renewForMs;
    }
    if (entry.use !== undefined) this.#limits?.used(entry.use);
    return entry;
  }

  hasExpired(entry: Entry): boolean {
    return entry.expiresAtMs !== Number.POSITIVE_INFINITY && entry.expiresAtMs <= this.now();
  }

  put(
    path: readonly string[],
    known: NamespaceNode | undefined,
    key: string,
    value: DriverValue,
    expiresAtMs: number,
  ): void {
    const bytes = bytesOf(value);
    const isOwn = typeof value === "string";
    const size = this.#limits?.admit(key, bytes);
    const node = known ?? this.tree.findOrAdd(path);
    let entry = node.entries.get(key);
    if (entry === undefined) {
      const { slab, offset, length } = node.slabs.keep(bytes, isOwn);
      entry = { slab, offset, length, expiresAtMs, use: undefined };
      node.entries.set(key, entry);
    } else {
      node.slabs.replace(entry, bytes, isOwn);
      entry.expiresAtMs = expiresAtMs;
    }
    if (this.#limits !== undefined && size !== undefined) {
      this.#limits.stored(node, key, entry, size);
      this.#evict(this.#limits);
    }
  }

  remove(node: NamespaceNode, key: string, entry: Entry): void {
    node.entries.delete(key);
    node.slabs.release(entry);
    if (entry.use !== undefined) this.#limits?.removed(entry.use);
    if (node.entries.size === 0) this.tree.removeIfEmpty(node);
  }

  /** Empties a namespace and all below it in one step; what follows only lets go of the memory. */
  removeAll(node: NamespaceNode): Answer<void> {
    this.tree.remove(node);
    if (this.#limits === undefined || !this.#limits.removedAll(node)) return undefined;
    return inSlices(entriesFrom(node), ({ entry }) => {
      if (entry.use !== undefined) unlink(entry.use);
    });
  }

  /** Lets go of everything; the store is not used any more. */
  clear(): void {
    const root = this.tree.find([]);
    if (root !== undefined) this.tree.remove(root);
  }

  /** Removes what has expired in a namespace and all below it, in slices. How many entries? */
  async removeExpired(top: NamespaceNode): Promise<number> {
    let removed = 0;
    await inSlices(entriesFrom(top), ({ node, key, entry }) => {
      if (!this.hasExpired(entry)) return;
      this.remove(node, key, entry);
      removed += 1;
    });
    return removed;
  }

  /** Whether something in a namespace or below it has not expired. */
  holdsAnything(top: NamespaceNode): boolean {
    for (const { entry } of entriesFrom(top)) {
      if (!this.hasExpired(entry)) return true;
    }
    return false;
  }

  #evict(limits: Limits): void {
    for (let use = limits.nextToEvict(); use !== undefined; use = limits.nextToEvict()) {
      const entry = use.node.entries.get(use.key);
      if (entry !== undefined) this.remove(use.node, use.key, entry);
    }
  }
}

interface FoundEntry {
  readonly node: NamespaceNode;
  readonly key: string;
  readonly entry: Entry;
}

function* entriesFrom(top: NamespaceNode): Iterable<FoundEntry> {
  for (const node of nodesFrom(top)) {
    for (const [key, entry] of node.entries) yield { node, key, entry };
  }
}
