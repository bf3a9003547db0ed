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
    return inSlices(pagesFrom(node), ({ page }) => {
      for (const [, { use }] of page) if (use !== undefined) unlink(use);
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
    await inSlices(pagesFrom(top), ({ node, page }) => {
      const nowMs = this.now();
      for (const [key, entry] of page) {
        if (entry.expiresAtMs > nowMs) continue;
        this.remove(node, key, entry);
        removed += 1;
      }
    });
    return removed;
  }

  /** Whether something in a namespace or below it has not expired. */
  holdsAnything(top: NamespaceNode): boolean {
    for (const { page } of pagesFrom(top)) {
      const nowMs = this.now();
      if (page.some(([, { expiresAtMs }]) => expiresAtMs > nowMs)) return true;
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

interface Page {
  readonly node: NamespaceNode;
  readonly page: readonly (readonly [key: string, entry: Entry])[];
}

/** The entries of a namespace and of all below it. */
function* pagesFrom(top: NamespaceNode): Iterable<Page> {
  for (const node of nodesFrom(top)) {
    for (const page of node.entries.pages()) yield { node, page };
  }
}
