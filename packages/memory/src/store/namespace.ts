import {
  type Answer,
  addToInteger,
  bytesOf,
  type DriverValue,
  type Expiry,
  type FullDriverNamespace,
  type Interval,
  sameBytes,
  TimeSlice,
} from "@kv/core/driver";
import type { EntryTable } from "../entries/entry-table.ts";
import { copyOfValue, viewOf } from "../storage/slab-allocator.ts";
import type { NamespaceNode } from "../storage/types.ts";

/** The operations on one namespace. Each but the listings and the removals in bulk is done when it returns. */
export class MemoryNamespace implements FullDriverNamespace {
  readonly #table: EntryTable;
  readonly #sweep: Interval;
  readonly #path: readonly string[];
  #lastNode: NamespaceNode | undefined;
  #lastVersion = 0;

  /** @param sweep removes expired entries in the background */
  constructor(table: EntryTable, sweep: Interval, path: readonly string[]) {
    this.#table = table;
    this.#sweep = sweep;
    this.#path = path;
  }

  get(key: string): Uint8Array | undefined {
    const entry = this.#table.live(this.#node(), key);
    return entry === undefined ? undefined : copyOfValue(entry);
  }

  getAndRenew(key: string, renewForMs: number): Uint8Array | undefined {
    const entry = this.#table.live(this.#node(), key, renewForMs);
    return entry === undefined ? undefined : copyOfValue(entry);
  }

  set(key: string, value: DriverValue, expiry: Expiry): void {
    if (expiry === "keep") {
      this.#setKeepingExpiry(key, value);
      return;
    }
    this.#table.put(this.#path, this.#node(), key, value, expiry);
    if (expiry !== Number.POSITIVE_INFINITY) this.#sweep.start();
  }

  touch(key: string, renewForMs: number): boolean {
    return this.#table.live(this.#node(), key, renewForMs) !== undefined;
  }

  delete(key: string): boolean {
    const node = this.#node();
    const entry = this.#table.live(node, key);
    if (node === undefined || entry === undefined) return false;
    this.#table.remove(node, key, entry);
    return true;
  }

  exists(key: string): boolean {
    return this.#table.live(this.#node(), key) !== undefined;
  }

  expiresInMs(key: string): number | undefined {
    const entry = this.#table.live(this.#node(), key);
    return entry === undefined ? undefined : this.#table.msLeft(entry);
  }

  deleteAll(): Answer<void> {
    const node = this.#node();
    return node === undefined ? undefined : this.#table.removeAll(node);
  }

  getMany(keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    return keys.map((key) => this.get(key));
  }

  setMany(entries: ReadonlyMap<string, DriverValue>, expiry: Expiry): void {
    for (const [key, value] of entries) this.set(key, value, expiry);
  }

  deleteMany(keys: ReadonlySet<string>): number {
    let deleted = 0;
    for (const key of keys) if (this.delete(key)) deleted += 1;
    return deleted;
  }

  increment(key: string, by: number, expiresInMs: number): { value: number; expiresInMs: number } {
    const node = this.#node();
    const entry = this.#table.live(node, key);
    if (node === undefined || entry === undefined) {
      const value = addToInteger(undefined, by);
      this.set(key, String(value), expiresInMs);
      return { value, expiresInMs };
    }
    const value = addToInteger(viewOf(entry), by);
    this.#table.replace(node, key, entry, String(value));
    return { value, expiresInMs: this.#table.msLeft(entry) };
  }

  setIfAbsent(key: string, value: DriverValue, expiresInMs: number): boolean {
    if (this.exists(key)) return false;
    this.set(key, value, expiresInMs);
    return true;
  }

  compareAndSet(key: string, expected: DriverValue, value: DriverValue, expiry: Expiry): boolean {
    const node = this.#node();
    const entry = this.#table.live(node, key);
    if (node === undefined || entry === undefined) return false;
    if (!sameBytes(viewOf(entry), bytesOf(expected))) return false;
    if (expiry === "keep") this.#table.replace(node, key, entry, value);
    else this.set(key, value, expiry);
    return true;
  }

  compareAndDelete(key: string, expected: DriverValue): boolean {
    const node = this.#node();
    const entry = this.#table.live(node, key);
    if (node === undefined || entry === undefined) return false;
    if (!sameBytes(viewOf(entry), bytesOf(expected))) return false;
    this.#table.remove(node, key, entry);
    return true;
  }

  take(key: string): Uint8Array | undefined {
    const node = this.#node();
    const entry = this.#table.live(node, key);
    if (node === undefined || entry === undefined) return undefined;
    const value = copyOfValue(entry);
    this.#table.remove(node, key, entry);
    return value;
  }

  async *keys(): AsyncGenerator<readonly string[], void, undefined> {
    const node = this.#node();
    if (node === undefined) return;
    const slice = new TimeSlice();
    for (const page of node.entries.pages()) {
      if (this.#node() !== node) return; // it was emptied, and what it holds now was not there throughout
      const nowMs = this.#table.now();
      yield page.filter(([, { expiresAtMs }]) => expiresAtMs > nowMs).map(([key]) => key);
      await slice.end();
    }
  }

  async *namespaces(): AsyncGenerator<readonly string[], void, undefined> {
    const node = this.#node();
    if (node === undefined) return;
    const slice = new TimeSlice();
    for (const page of node.children.pages()) {
      if (this.#node() !== node) return;
      yield page.filter(([, child]) => this.#table.holdsAnything(child)).map(([name]) => name);
      await slice.end();
    }
  }

  deleteExpired(): Answer<number> {
    const node = this.#node();
    return node === undefined ? 0 : this.#table.removeExpired(node);
  }

  /** The node of this namespace, if it holds anything. Looked up again only where some node was removed since. */
  #node(): NamespaceNode | undefined {
    const { tree } = this.#table;
    if (this.#lastNode === undefined || this.#lastVersion !== tree.version) {
      this.#lastNode = tree.find(this.#path);
      this.#lastVersion = tree.version;
    }
    return this.#lastNode;
  }

  #setKeepingExpiry(key: string, value: DriverValue): void {
    const node = this.#node();
    const entry = this.#table.live(node, key);
    if (node === undefined || entry === undefined) this.set(key, value, Number.POSITIVE_INFINITY);
    else this.#table.replace(node, key, entry, value);
  }
}
