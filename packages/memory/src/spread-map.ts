/** What one Map holds before it is spread: that moves so many once, in about 2 ms. */
const mostInOne = 16_384;
const partBits = 6;
/** What a page holds is looked at together: memory is fetched for several at a time. */
const pageLength = 256;

/**
 * A Map that may hold millions. JavaScript's own moves all it holds in the one call that makes it grow or shrink, which
 * takes 25 ms and more where half a million are in it. So many are spread here over several Maps, by a hash of the
 * keys. The more evenly the shorter the longest call: that is all that depends on it.
 */
export class SpreadMap<V extends object> {
  readonly #mostInOne: number;
  #size = 0;
  #whole = new Map<string, V>();
  /** Once there were many, these hold everything, for good. */
  #parts: readonly Map<string, V>[] | undefined;

  /** @param most how many one Map holds, for tests */
  constructor(most: number = mostInOne) {
    this.#mostInOne = most;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    // What #mapOf does, with one call less for the compiler to take in: every operation looks an entry up.
    const parts = this.#parts;
    return parts === undefined ? this.#whole.get(key) : parts[partOf(key)]?.get(key);
  }

  set(key: string, value: V): void {
    if (this.#size === this.#mostInOne && this.#parts === undefined) this.#spread();
    const map = this.#mapOf(key);
    const before = map.size;
    map.set(key, value);
    this.#size += map.size - before;
  }

  delete(key: string): void {
    if (this.#mapOf(key).delete(key)) this.#size -= 1;
  }

  /**
   * Page by page, while others write: everything that is there throughout, once, and nothing that is not there any more
   * when its page comes. It ends, since what is new in a Map comes last: after as many as were in it at the start, all of
   * those have come.
   */
  *pages(length: number = pageLength): Generator<[key: string, value: V][], void, undefined> {
    const parts = this.#parts;
    const maps = parts ?? [this.#whole];
    const sizes = maps.map(({ size }) => size);
    for (const [at, map] of maps.entries()) {
      let left = sizes[at] as number;
      let page: [string, V][] = [];
      if (left === 0) continue;
      for (const item of map) {
        // A Map that was spread meanwhile still holds what was in it then.
        if (parts === this.#parts || this.get(item[0]) === item[1]) page.push(item);
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

  #mapOf(key: string): Map<string, V> {
    return this.#parts === undefined ? this.#whole : (this.#parts[partOf(key)] as Map<string, V>);
  }

  #spread(): void {
    const parts = Array.from({ length: 2 ** partBits }, () => new Map<string, V>());
    for (const [key, value] of this.#whole) parts[partOf(key)]?.set(key, value);
    this.#parts = parts;
    this.#whole = new Map();
  }
}

/** By a hash of a key: of all its characters, of long ones of 32 to 63 that lie evenly. */
function partOf(key: string): number {
  const step = 1 + (key.length >> 5);
  let hash = key.length;
  for (let at = key.length - 1; at >= 0; at -= step) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
  // Fibonacci hashing: each bit of the hash has a share in the upper bits of the product.
  return Math.imul(hash, 0x9e3779b1) >>> (32 - partBits);
}
