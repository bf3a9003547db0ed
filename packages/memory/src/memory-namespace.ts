import {
  addToInteger,
  bytesOf,
  type DriverValue,
  type Expiry,
  type FullDriverNamespace,
  sameBytes,
} from "@kv/core/driver";
import type { Entries } from "./entries.ts";
import type { Entry, NamespaceNode } from "./namespace-tree.ts";
import { copyOfValue, viewOf } from "./slabs.ts";
import { Slice } from "./slices.ts";
import type { Sweeper } from "./sweeper.ts";

/** The operations on one namespace. Each but the listings and the removals in bulk is done when it returns. */
export function memoryNamespace(
  entries: Entries,
  sweeper: Sweeper | undefined,
  path: readonly string[],
): FullDriverNamespace {
  let found: NamespaceNode | undefined;
  let foundAtRemovals = -1;

  /** The node of this namespace, if it holds anything; looked up again only where a node was taken out since. */
  function node(): NamespaceNode | undefined {
    if (found === undefined || foundAtRemovals !== entries.tree.removals) {
      found = entries.tree.find(path);
      foundAtRemovals = entries.tree.removals;
    }
    return found;
  }

  function live(key: string, renewForMs?: number): Entry | undefined {
    const at = node();
    return at === undefined ? undefined : entries.live(at, key, renewForMs);
  }

  function put(key: string, value: DriverValue, expiry: Expiry): void {
    const expiresAtMs =
      expiry === "keep" ? (live(key)?.expiresAtMs ?? Number.POSITIVE_INFINITY) : inMs(expiry);
    store(key, value, expiresAtMs);
  }

  function store(key: string, value: DriverValue, expiresAtMs: number): void {
    entries.put(path, node(), key, value, expiresAtMs);
    if (expiresAtMs !== Number.POSITIVE_INFINITY) sweeper?.start();
  }

  function remove(key: string): boolean {
    const at = node();
    const entry = at === undefined ? undefined : entries.live(at, key);
    if (at === undefined || entry === undefined) return false;
    entries.remove(at, key, entry);
    return true;
  }

  function inMs(ms: number): number {
    return ms === Number.POSITIVE_INFINITY ? ms : entries.now() + ms;
  }

  function msLeft(entry: Entry): number {
    return entry.expiresAtMs === Number.POSITIVE_INFINITY
      ? entry.expiresAtMs
      : entry.expiresAtMs - entries.now();
  }

  return {
    get: (key) => valueOf(live(key)),

    getAndRenew: (key, renewForMs) => valueOf(live(key, renewForMs)),

    set: put,

    touch: (key, renewForMs) => live(key, renewForMs) !== undefined,

    delete: remove,

    exists: (key) => live(key) !== undefined,

    expiresInMs(key) {
      const entry = live(key);
      return entry === undefined ? undefined : msLeft(entry);
    },

    deleteAll() {
      const at = node();
      return at === undefined ? undefined : entries.removeAll(at);
    },

    getMany: (keys) => keys.map((key) => valueOf(live(key))),

    setMany(all, expiry) {
      for (const [key, value] of all) put(key, value, expiry);
    },

    deleteMany(keys) {
      let deleted = 0;
      for (const key of keys) if (remove(key)) deleted += 1;
      return deleted;
    },

    increment(key, by, expiresInMs) {
      const entry = live(key);
      const value = addToInteger(entry && viewOf(entry), by);
      const expiresAtMs = entry === undefined ? inMs(expiresInMs) : entry.expiresAtMs;
      store(key, String(value), expiresAtMs);
      return { value, expiresInMs: entry === undefined ? expiresInMs : msLeft(entry) };
    },

    setIfAbsent(key, value, expiresInMs) {
      if (live(key) !== undefined) return false;
      put(key, value, expiresInMs);
      return true;
    },

    compareAndSet(key, expected, value, expiry) {
      const entry = live(key);
      if (entry === undefined || !sameBytes(viewOf(entry), bytesOf(expected))) return false;
      put(key, value, expiry);
      return true;
    },

    compareAndDelete(key, expected) {
      const entry = live(key);
      return entry !== undefined && sameBytes(viewOf(entry), bytesOf(expected)) && remove(key);
    },

    take(key) {
      const at = node();
      const entry = at === undefined ? undefined : entries.live(at, key);
      if (at === undefined || entry === undefined) return undefined;
      const value = copyOfValue(entry);
      entries.remove(at, key, entry);
      return value;
    },

    async *keys() {
      const at = node();
      if (at === undefined) return;
      const slice = new Slice();
      for (const page of at.entries.pages()) {
        if (node() !== at) return; // it was emptied, and what it holds now was not there throughout
        const nowMs = entries.now();
        yield page.filter(([, { expiresAtMs }]) => expiresAtMs > nowMs).map(([key]) => key);
        await slice.end();
      }
    },

    async *namespaces() {
      const at = node();
      if (at === undefined) return;
      const slice = new Slice();
      for (const page of at.children.pages()) {
        if (node() !== at) return;
        yield page.filter(([, child]) => entries.holdsAnything(child)).map(([name]) => name);
        await slice.end();
      }
    },

    deleteExpired() {
      const at = node();
      return at === undefined ? 0 : entries.removeExpired(at);
    },
  };
}

function valueOf(entry: Entry | undefined): Uint8Array | undefined {
  return entry === undefined ? undefined : copyOfValue(entry);
}
