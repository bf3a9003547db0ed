import { Buffer } from "node:buffer";
import {
  type AtomicDriverNamespace,
  addToInteger,
  type BatchDriverNamespace,
  bytesOf,
  type Driver,
  type ExpirableDriverNamespace,
  type ListableDriverNamespace,
  sameBytes,
  utf8,
} from "../src/driver.ts";

export type MapNamespace = BatchDriverNamespace &
  AtomicDriverNamespace &
  ListableDriverNamespace &
  ExpirableDriverNamespace;

export interface MapDriver extends Driver {
  readonly root: MapNamespace;
  namespace(path: readonly string[]): MapNamespace;
  /** What the driver was asked to do, in order. */
  readonly calls: string[];
  close(): void;
}

/** A driver over a Map that keeps no time: just enough to see what the portable store asks of a driver. */
export function mapDriver(): MapDriver {
  const spaces = new Map<string, Map<string, Uint8Array>>();
  const calls: string[] = [];

  function namespace(path: readonly string[]): MapNamespace {
    const id = JSON.stringify(path);
    const log = (call: string): Map<string, Uint8Array> => {
      calls.push(`${call} ${id}`);
      const known = spaces.get(id) ?? new Map<string, Uint8Array>();
      spaces.set(id, known);
      return known;
    };
    const set = (space: Map<string, Uint8Array>, key: string, value: Uint8Array | string): void => {
      space.set(key, bytesOf(value));
    };
    return {
      get: (key) => log("get").get(key),
      getAndRenew: (key, ms) => log(`getAndRenew ${ms}`).get(key),
      set: (key, value, expiry) => set(log(`set ${expiry}`), key, value),
      touch: (key, ms) => log(`touch ${ms}`).has(key),
      delete: (key) => log("delete").delete(key),
      exists: (key) => log("exists").has(key),
      expiresInMs: (key) => (log("expiresInMs").has(key) ? 1_500 : undefined),
      deleteAll: () => log("deleteAll").clear(),
      getMany: (keys) => keys.map((key) => log("getMany").get(key)),
      setMany(entries, expiry) {
        const space = log(`setMany ${expiry}`);
        for (const [key, value] of entries) set(space, key, value);
      },
      deleteMany: (keys) => [...keys].filter((key) => log("deleteMany").delete(key)).length,
      increment(key, by, expiresInMs) {
        const space = log(`increment ${by} ${expiresInMs}`);
        const value = addToInteger(space.get(key), by);
        space.set(key, utf8(String(value)));
        return { value, expiresInMs };
      },
      setIfAbsent(key, value, ms) {
        const space = log(`setIfAbsent ${ms}`);
        if (space.has(key)) return false;
        set(space, key, value);
        return true;
      },
      compareAndSet(key, expected, value, expiry) {
        const space = log(`compareAndSet ${expiry}`);
        const found = space.get(key);
        if (found === undefined || !sameBytes(found, bytesOf(expected))) return false;
        set(space, key, value);
        return true;
      },
      compareAndDelete(key, expected) {
        const space = log("compareAndDelete");
        const found = space.get(key);
        return found !== undefined && sameBytes(found, bytesOf(expected)) && space.delete(key);
      },
      async *keys() {
        yield [...log("keys").keys()];
      },
      async *namespaces() {
        log("namespaces");
        yield [...spaces.keys()]
          .map((other) => JSON.parse(other) as string[])
          .filter((other) => other.length === path.length + 1)
          .map((other) => String(other.at(-1)));
      },
      deleteExpired: () => (log("deleteExpired"), 3),
    };
  }

  return { label: "a map", calls, root: namespace([]), namespace, close: () => void calls.push("close") };
}

/** A promise that is settled by hand. */
export function deferred<T>(): {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  let settle: { resolve(value: T): void; reject(error: unknown): void } | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) };
}

export function textOf(stored: Uint8Array | undefined): string | undefined {
  return stored === undefined ? undefined : Buffer.from(stored).toString("utf8");
}
