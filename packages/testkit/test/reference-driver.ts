import { StoreError } from "@kv/core";
import {
  addToInteger,
  bytesOf,
  copyOf,
  type Driver,
  type DriverValue,
  type Expiry,
  type FullDriverNamespace,
  sameBytes,
  utf8,
} from "@kv/core/driver";

interface Entry {
  bytes: Uint8Array;
  expiresAtMs: number;
  damaged?: boolean;
}

/** What handles of the reference share, and the ways to trouble it. */
export class ReferenceData {
  readonly namespaces: Map<string, Map<string, Entry>> = new Map();
  nowMs = 5_000;
  failing = false;
  touched = false;

  /** The entries of a path, every access to which counts as a call to the backend. */
  entries(path: readonly string[]): Map<string, Entry> {
    this.touched = true;
    if (this.failing) throw new StoreError("KV_UNAVAILABLE", "the reference was made to fail.");
    const id = JSON.stringify(path);
    const entries = this.namespaces.get(id) ?? new Map<string, Entry>();
    this.namespaces.set(id, entries);
    return entries;
  }

  find(path: readonly string[], key: string): Entry | undefined {
    const entry = this.entries(path).get(key);
    return entry === undefined || entry.expiresAtMs <= this.nowMs ? undefined : entry;
  }

  keys(path: readonly string[]): string[] {
    return [...this.entries(path).keys()].filter((key) => this.find(path, key) !== undefined);
  }

  /** The paths at and below one. */
  pathsFrom(top: readonly string[]): string[][] {
    return [...this.namespaces.keys()]
      .map((id) => JSON.parse(id) as string[])
      .filter((path) => top.every((name, at) => path[at] === name));
  }
}

/** A driver with every capability. */
export interface FullDriver extends Driver {
  readonly root: FullDriverNamespace;
  namespace(path: readonly string[]): FullDriverNamespace;
}

/** A driver that is right and nothing else: the least that keeps the contract, on data that several may share. */
export function referenceDriver(data: ReferenceData, rootPath: readonly string[] | null = []): FullDriver {
  const namespace = (path: readonly string[]): FullDriverNamespace => referenceNamespace(data, path);
  return { label: "reference", rootPath, root: namespace(rootPath ?? ["null"]), namespace };
}

function referenceNamespace(data: ReferenceData, path: readonly string[]): FullDriverNamespace {
  const find = (key: string): Entry | undefined => data.find(path, key);
  const undamaged = (key: string): Entry | undefined => {
    const entry = find(key);
    if (entry?.damaged === true) throw new StoreError("KV_CORRUPT", "the entry is damaged.");
    return entry;
  };
  const remove = (key: string): boolean => find(key) !== undefined && data.entries(path).delete(key);
  const put = (key: string, value: DriverValue, expiry: Expiry): void => {
    const keptMs = find(key)?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    const expiresAtMs = expiry === "keep" ? keptMs : data.nowMs + expiry;
    data.entries(path).set(key, { bytes: copyOf(bytesOf(value)), expiresAtMs });
  };
  const renewed = (entry: Entry | undefined, renewForMs: number): Entry | undefined => {
    if (entry !== undefined && Number.isFinite(entry.expiresAtMs))
      entry.expiresAtMs = data.nowMs + renewForMs;
    return entry;
  };
  const leftMs = (entry: Entry): number => entry.expiresAtMs - data.nowMs;

  return {
    get: (key) => undamaged(key)?.bytes,
    getAndRenew: (key, renewForMs) => renewed(undamaged(key), renewForMs)?.bytes,
    set: put,
    touch: (key, renewForMs) => renewed(find(key), renewForMs) !== undefined,
    delete: remove,
    exists: (key) => find(key) !== undefined,
    expiresInMs(key) {
      const entry = find(key);
      return entry && leftMs(entry);
    },
    deleteAll() {
      data.entries(path);
      for (const each of data.pathsFrom(path)) data.entries(each).clear();
    },
    getMany: (keys) => keys.map((key) => undamaged(key)?.bytes),
    setMany(entries, expiry) {
      for (const [key, value] of entries) put(key, value, expiry);
    },
    deleteMany: (keys) => [...keys].filter(remove).length,
    increment(key, by, expiresInMs) {
      const entry = undamaged(key);
      const value = addToInteger(entry?.bytes, by);
      put(key, utf8(String(value)), entry === undefined ? expiresInMs : "keep");
      return { value, expiresInMs: entry === undefined ? expiresInMs : leftMs(entry) };
    },
    setIfAbsent(key, value, expiresInMs) {
      if (find(key) !== undefined) return false;
      put(key, value, expiresInMs);
      return true;
    },
    compareAndSet(key, expected, value, expiry) {
      const entry = undamaged(key);
      if (entry === undefined || !sameBytes(entry.bytes, bytesOf(expected))) return false;
      put(key, value, expiry);
      return true;
    },
    compareAndDelete(key, expected) {
      const entry = undamaged(key);
      return (
        entry !== undefined && sameBytes(entry.bytes, bytesOf(expected)) && data.entries(path).delete(key)
      );
    },
    async *keys() {
      yield data.keys(path);
    },
    async *namespaces() {
      data.entries(path);
      const full = data
        .pathsFrom(path)
        .filter((each) => data.keys(each).length > 0 && each.length > path.length);
      yield [...new Set(full.map((each) => each[path.length] as string))];
    },
    deleteExpired() {
      data.entries(path);
      return 0; // whatever expired was removed as soon as it was looked for
    },
  };
}
