import type { ShardedMap } from "./sharded-map.ts";
import type { Chunk, SlabAllocator } from "./slab-allocator.ts";

/** An entry. The chunk holds its value. */
export interface Entry extends Chunk {
  /** By the store's clock; `Infinity` for an entry without expiry. */
  expiresAtMs: number;
  /** Its node in the LRU list, where the store has limits. */
  lru: LruNode | undefined;
}

/** A namespace that holds something, itself or further below. */
export interface NamespaceNode {
  readonly name: string;
  readonly parent: NamespaceNode | undefined;
  readonly entries: ShardedMap<Entry>;
  readonly slabs: SlabAllocator;
  readonly children: ShardedMap<NamespaceNode>;
  /** What its own entries take, where the store has limits. */
  readonly usage: Usage;
  /** Set when the namespace is removed as a whole: its entries count no more, though the LRU list may still have them. */
  isDetached: boolean;
}

/** An amount of entries, and of the bytes of their keys and values. */
export interface Usage {
  entries: number;
  bytes: number;
}

/** An entry's node in the doubly linked list of the LRU order. */
export interface LruNode {
  readonly namespace: NamespaceNode;
  readonly key: string;
  /** The bytes of its key and its value. */
  bytes: number;
  older: LruNode;
  newer: LruNode;
}
