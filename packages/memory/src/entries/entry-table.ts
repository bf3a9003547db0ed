import { type Answer, bytesOf, type DriverValue, forEachYielding } from "@kv/core/driver";
import { detach, type LruTracker } from "../eviction/lru-tracker.ts";
import { NamespaceTree, nodesFrom } from "../storage/namespace-tree.ts";
import type { Entry, NamespaceNode } from "../storage/types.ts";

/** The entries of a store, with lazy expiry and eviction. Each operation but the removals in bulk is one step. */
export class EntryTable {
  readonly tree: NamespaceTree = new NamespaceTree();
  readonly now: () => number;
  readonly #lru: LruTracker | undefined;

  /**
   * @param now the clock that expiry goes by, in milliseconds
   * @param lru evicts entries. Default: nothing is evicted.
   */
  constructor(now: () => number, lru?: LruTracker) {
    this.now = now;
    this.#lru = lru;
  }

  /** Looks up an entry, renews it if asked to, and counts that as a use; reads the clock once. Removes an expired one. */
  live(node: NamespaceNode | undefined, key: string, renewForMs?: number): Entry | undefined {
    const entry = node?.entries.get(key);
    if (node === undefined || entry === undefined) return undefined;
    if (entry.expiresAtMs !== Number.POSITIVE_INFINITY) {
      const nowMs = this.now();
      if (entry.expiresAtMs <= nowMs) {
        this.remove(node, key, entry);
        return undefined;
      }
      if (renewForMs !== undefined) entry.expiresAtMs = nowMs + renewForMs;
    }
    if (entry.lru !== undefined) this.#lru?.promote(entry.lru);
    return entry;
  }

  /**
   * Stores a value, and evicts what exceeds the limits then.
   *
   * @param known the node of `path`, where there is one
   * @throws StoreError `KV_FULL` for an entry larger than the limits; nothing is changed then
   */
  put(
    path: readonly string[],
    known: NamespaceNode | undefined,
    key: string,
    value: DriverValue,
    expiresInMs: number,
  ): void {
    const bytes = bytesOf(value);
    const isOwned = typeof value === "string";
    const size = this.#lru?.checkFits(key, bytes);
    const node = known ?? this.tree.findOrAdd(path);
    const expiresAtMs = expiresInMs === Number.POSITIVE_INFINITY ? expiresInMs : this.now() + expiresInMs;
    let entry = node.entries.get(key);
    if (entry === undefined) {
      const { slab, offset, length } = node.slabs.allocate(bytes, isOwned);
      entry = { slab, offset, length, expiresAtMs, lru: undefined };
      node.entries.add(key, entry);
    } else {
      node.slabs.reallocate(entry, bytes, isOwned);
      entry.expiresAtMs = expiresAtMs;
    }
    if (size !== undefined) this.#track(node, key, entry, size);
  }

  /**
   * Replaces the value of an entry, which keeps its expiry.
   *
   * @throws StoreError `KV_FULL` as `put` does
   */
  replace(node: NamespaceNode, key: string, entry: Entry, value: DriverValue): void {
    const bytes = bytesOf(value);
    const size = this.#lru?.checkFits(key, bytes);
    node.slabs.reallocate(entry, bytes, typeof value === "string");
    if (size !== undefined) this.#track(node, key, entry, size);
  }

  /** Removes an entry, and its namespace where that holds nothing any more. */
  remove(node: NamespaceNode, key: string, entry: Entry): void {
    node.entries.delete(key);
    node.slabs.free(entry);
    if (entry.lru !== undefined) this.#lru?.untrack(entry.lru);
    if (node.entries.size === 0) this.tree.removeIfEmpty(node);
  }

  /** Empties a namespace and all below it in one step; the promise is only about releasing the memory. */
  removeAll(node: NamespaceNode): Answer<void> {
    this.tree.remove(node);
    if (this.#lru === undefined || !this.#lru.untrackAll(nodesFrom(node))) return undefined;
    return forEachYielding(pagesFrom(node), ({ page }) => {
      for (const [, { lru }] of page) if (lru !== undefined) detach(lru);
    });
  }

  /** Releases everything. The store is not used any more. */
  clear(): void {
    this.tree.remove(this.tree.findOrAdd([]));
  }

  /** Removes what has expired in a namespace and all below it, in slices. Returns how many entries. */
  async removeExpired(top: NamespaceNode): Promise<number> {
    let removed = 0;
    await forEachYielding(pagesFrom(top), ({ node, page }) => {
      const nowMs = this.now();
      for (const [key, entry] of page) {
        if (entry.expiresAtMs > nowMs) continue;
        this.remove(node, key, entry);
        removed += 1;
      }
    });
    return removed;
  }

  /** Tells whether something in a namespace or below it has not expired. */
  holdsAnything(top: NamespaceNode): boolean {
    for (const { page } of pagesFrom(top)) {
      const nowMs = this.now();
      if (page.some(([, { expiresAtMs }]) => expiresAtMs > nowMs)) return true;
    }
    return false;
  }

  /** The milliseconds until an entry expires. */
  msLeft({ expiresAtMs }: Entry): number {
    return expiresAtMs === Number.POSITIVE_INFINITY ? expiresAtMs : expiresAtMs - this.now();
  }

  /** Counts an entry as just used, and evicts what exceeds the limits. */
  #track(node: NamespaceNode, key: string, entry: Entry, size: number): void {
    this.#lru?.track(node, key, entry, size);
    for (let next = this.#lru?.nextToEvict(); next !== undefined; next = this.#lru?.nextToEvict()) {
      const evicted = next.namespace.entries.get(next.key);
      if (evicted !== undefined) this.remove(next.namespace, next.key, evicted);
    }
  }
}

interface Page {
  readonly node: NamespaceNode;
  readonly page: readonly (readonly [key: string, entry: Entry])[];
}

/** Walks over the entries of a namespace and of all below it. */
function* pagesFrom(top: NamespaceNode): Iterable<Page> {
  for (const node of nodesFrom(top)) {
    for (const page of node.entries.pages()) yield { node, page };
  }
}
