/** The entries of one map before there are others: V8 rehashes so many within about 2 ms. */
const defaultShardThreshold = 16_384;
const shardBits = 6;
/** A page is looked at as a whole: the processor fetches memory for several entries at a time. */
const pageLength = 256;

/**
 * A map that may hold millions. A `Map` rehashes all of its entries in the call that makes it grow or shrink, which takes
 * 25 ms and more with half a million. So what comes after the first few thousand goes to several maps, the shards, by a
 * hash of the key. No entry ever moves from one map to another.
 */
export class ShardedMap<V extends object> {
  readonly #shardThreshold: number;
  #size = 0;
  readonly #first = new Map<string, V>();
  /** Made once the first map is full, and kept from then on. */
  #shards: readonly Map<string, V>[] | undefined;

  /** @param shardThreshold the entries of the first map, for tests */
  constructor(shardThreshold: number = defaultShardThreshold) {
    this.#shardThreshold = shardThreshold;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    const shards = this.#shards;
    if (shards === undefined) return this.#first.get(key);
    return shards[shardOf(key)]?.get(key) ?? this.#first.get(key);
  }

  /** Adds an entry. Its key must not be there yet. */
  add(key: string, value: V): void {
    if (this.#shards === undefined && this.#first.size === this.#shardThreshold) {
      this.#shards = Array.from({ length: 2 ** shardBits }, () => new Map<string, V>());
    }
    const map = this.#shards?.[shardOf(key)] ?? this.#first;
    map.set(key, value);
    this.#size += 1;
  }

  delete(key: string): void {
    if (this.#first.delete(key) || this.#shards?.[shardOf(key)]?.delete(key) === true) this.#size -= 1;
  }

  /**
   * Lists page by page, while others write: everything that is there throughout, once, and nothing that is gone when its
   * page comes. The maps are those of the first page. It ends, since what is new in a Map comes last: after as many
   * entries as a map had at the start, all of those have come.
   */
  *pages(length: number = pageLength): Generator<[key: string, value: V][], void, undefined> {
    const maps = [this.#first, ...(this.#shards ?? [])].map((map) => ({ map, size: map.size }));
    for (const { map, size } of maps) {
      let left = size;
      let page: [string, V][] = [];
      if (left === 0) continue;
      for (const item of map) {
        page.push(item);
        left -= 1;
        if (left === 0) break;
        if (page.length < length) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    }
  }

  *values(): Generator<V, void, undefined> {
    for (const page of this.pages()) for (const [, value] of page) yield value;
  }
}

/** Returns the shard of a key by a hash of all its characters, of a long key's by 32 to 63 that lie evenly. */
function shardOf(key: string): number {
  const step = 1 + (key.length >> 5);
  let hash = key.length;
  for (let at = key.length - 1; at >= 0; at -= step) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  // Fibonacci hashing: each bit of the hash has a share in the upper bits of the product.
  return Math.imul(hash, 0x9e3779b1) >>> (32 - shardBits);
}
