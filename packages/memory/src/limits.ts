import { StoreError } from "@kv/core";
import { type Entry, type NamespaceNode, nodesFrom } from "./namespace-tree.ts";

/** An entry's place in the order of use. */
export interface Use {
  readonly node: NamespaceNode;
  readonly key: string;
  /** The bytes of its key and its value. */
  bytes: number;
  older: Use;
  newer: Use;
}

export interface Amount {
  entries: number;
  bytes: number;
}

/** Keeps count of entries and bytes, and of the order in which entries were last used. */
export class Limits {
  readonly #max: Readonly<Amount>;
  readonly #held: Amount = { entries: 0, bytes: 0 };
  /** The share of each namespace, so that one can be taken out without a walk over its entries. */
  readonly #heldBy = new Map<NamespaceNode, Amount>();
  /** Closes the ring: `newer` leads to the least recently used entry, `older` to the most recently used. */
  #ends: Pick<Use, "older" | "newer"> = emptyRing();

  constructor(max: Readonly<Amount>) {
    this.#max = max;
  }

  /**
   * The size of an entry.
   *
   * @throws StoreError `KV_FULL` for one that no eviction could make room for
   */
  admit(key: string, value: Uint8Array): number {
    const size = utf8Length(key) + value.length;
    if (size <= this.#max.bytes) return size;
    throw new StoreError(
      "KV_FULL",
      `key and value have ${size} bytes, and maxBytes allows ${this.#max.bytes} for all entries together; nothing was changed.`,
    );
  }

  /** An entry was added, or got another value, of that size with its key. */
  stored(node: NamespaceNode, key: string, entry: Entry, bytes: number): void {
    if (entry.use === undefined) {
      entry.use = { node, key, bytes } as Use;
      this.#count(node, 1, bytes);
    } else {
      unlink(entry.use);
      this.#count(node, 0, bytes - entry.use.bytes);
      entry.use.bytes = bytes;
    }
    this.#linkAsNewest(entry.use);
  }

  used(use: Use): void {
    unlink(use);
    this.#linkAsNewest(use);
  }

  removed(use: Use): void {
    unlink(use);
    // Where a namespace is taken out while a sweep goes through it, what it held is counted no more.
    if (this.#heldBy.has(use.node)) this.#count(use.node, -1, -use.bytes);
  }

  /**
   * A namespace was taken out with all below it. Where others hold something, its entries stay in the order until each
   * is `unlink`ed; do they? Where nothing is held any more, they are left a ring of their own.
   */
  removedAll(top: NamespaceNode): boolean {
    for (const node of nodesFrom(top)) {
      const share = this.#heldBy.get(node);
      if (share !== undefined) this.#count(node, -share.entries, -share.bytes);
    }
    if (this.#held.entries > 0) return true;
    this.#ends = emptyRing();
    return false;
  }

  /** The entry to evict next: the least recently used one, while the limits are exceeded. */
  nextToEvict(): Use | undefined {
    while (this.#held.entries > this.#max.entries || this.#held.bytes > this.#max.bytes) {
      const oldest = this.#ends.newer;
      if (this.#heldBy.has(oldest.node)) return oldest;
      unlink(oldest); // it went with its namespace
    }
    return undefined;
  }

  #count(node: NamespaceNode, entries: number, bytes: number): void {
    const share = this.#heldBy.get(node) ?? { entries: 0, bytes: 0 };
    for (const amount of [this.#held, share]) {
      amount.entries += entries;
      amount.bytes += bytes;
    }
    if (share.entries === 0) this.#heldBy.delete(node);
    else this.#heldBy.set(node, share);
  }

  #linkAsNewest(use: Use): void {
    use.newer = this.#ends as Use;
    use.older = this.#ends.older;
    use.older.newer = use;
    this.#ends.older = use;
  }
}

function emptyRing(): Pick<Use, "older" | "newer"> {
  const ends = {} as Use;
  ends.older = ends;
  ends.newer = ends;
  return ends;
}

/** Takes an entry out of the order. Doing so again changes nothing. */
export function unlink(use: Use): void {
  use.older.newer = use.newer;
  use.newer.older = use.older;
  use.older = use;
  use.newer = use;
}

/** How many bytes the UTF-8 of a well-formed string has, counted without encoding it. */
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
