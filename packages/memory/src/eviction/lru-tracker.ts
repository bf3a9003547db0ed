import { StoreError } from "@kv/core";
import type { Entry, LruNode, NamespaceNode, Usage } from "../storage/types.ts";

/** Counts entries and bytes, and keeps the entries in the order in which they were last used. */
export class LruTracker {
  readonly #max: Readonly<Usage>;
  readonly #usage: Usage = { entries: 0, bytes: 0 };
  /** Closes the ring: `newer` leads to the least recently used entry, `older` to the most recently used. */
  #sentinel: Pick<LruNode, "older" | "newer"> = emptyRing();

  constructor(max: Readonly<Usage>) {
    this.#max = max;
  }

  /**
   * Returns the size of an entry: the bytes of its key and its value.
   *
   * @throws StoreError `KV_FULL` for one that no eviction could make room for
   */
  checkFits(key: string, value: Uint8Array): number {
    const size = utf8Length(key) + value.length;
    if (size <= this.#max.bytes) return size;
    throw new StoreError(
      "KV_FULL",
      `key and value have ${size} bytes, and maxBytes allows ${this.#max.bytes} for all entries together; nothing was changed.`,
    );
  }

  /** Counts an entry that was added, or got another value, as the most recently used. */
  track(namespace: NamespaceNode, key: string, entry: Entry, size: number): void {
    if (entry.lru === undefined) {
      entry.lru = { namespace, key, bytes: size } as LruNode;
      this.#count(namespace, 1, size);
    } else {
      detach(entry.lru);
      this.#count(namespace, 0, size - entry.lru.bytes);
      entry.lru.bytes = size;
    }
    this.#attachAsNewest(entry.lru);
  }

  /** Makes an entry the most recently used. */
  promote(node: LruNode): void {
    detach(node);
    this.#attachAsNewest(node);
  }

  /** Forgets an entry that was removed. */
  untrack(node: LruNode): void {
    detach(node);
    // A sweep may still go through a namespace that was removed as a whole, whose entries are not counted any more.
    if (!node.namespace.isDetached) this.#count(node.namespace, -1, -node.bytes);
  }

  /**
   * Forgets namespaces that were removed as a whole, without a walk over their entries. Returns whether their entries are
   * still in the list, until each is passed to `detach`: where nothing else is tracked, a new list begins instead.
   */
  untrackAll(namespaces: Iterable<NamespaceNode>): boolean {
    for (const namespace of namespaces) {
      this.#count(namespace, -namespace.usage.entries, -namespace.usage.bytes);
      namespace.isDetached = true;
    }
    if (this.#usage.entries > 0) return true;
    this.#sentinel = emptyRing();
    return false;
  }

  /** Returns the least recently used entry while the limits are exceeded. */
  nextToEvict(): LruNode | undefined {
    while (this.#usage.entries > this.#max.entries || this.#usage.bytes > this.#max.bytes) {
      const oldest = this.#sentinel.newer;
      if (!oldest.namespace.isDetached) return oldest;
      detach(oldest);
    }
    return undefined;
  }

  #count({ usage }: NamespaceNode, entries: number, bytes: number): void {
    usage.entries += entries;
    usage.bytes += bytes;
    this.#usage.entries += entries;
    this.#usage.bytes += bytes;
  }

  #attachAsNewest(node: LruNode): void {
    node.newer = this.#sentinel as LruNode;
    node.older = this.#sentinel.older;
    node.older.newer = node;
    this.#sentinel.older = node;
  }
}

function emptyRing(): Pick<LruNode, "older" | "newer"> {
  const sentinel = {} as LruNode;
  sentinel.older = sentinel;
  sentinel.newer = sentinel;
  return sentinel;
}

/** Takes a node out of the list. Doing so again changes nothing. */
export function detach(node: LruNode): void {
  node.older.newer = node.newer;
  node.newer.older = node.older;
  node.older = node;
  node.newer = node;
}

/** Returns the length of a well-formed string in UTF-8, without encoding it. */
function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    // A character beyond the first plane is two surrogates, and has four bytes.
    bytes += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 1 : 2;
  }
  return bytes;
}
