import type { Subject } from "../subject.ts";

interface Entry {
  bytes: Uint8Array;
  expiresAtMs: number;
}

const hourMs = 3_600_000;

/** The least that memory can cost: a Map behind an async function that copies, and looks at the clock where it must. */
export function bareMap(): Subject {
  const entries = new Map<string, Entry>();

  function live(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    return entry.expiresAtMs !== Number.POSITIVE_INFINITY && entry.expiresAtMs <= performance.now()
      ? undefined
      : entry;
  }

  function put(key: string, bytes: Uint8Array, expiresAtMs: number): void {
    entries.set(key, { bytes: copy(bytes), expiresAtMs });
  }

  /** As decimal text. */
  function count(key: string, expiresInMs: number): number {
    const entry = live(key);
    const value = (entry === undefined ? 0 : Number(Buffer.from(entry.bytes).toString("latin1"))) + 1;
    const bytes = new Uint8Array(Buffer.from(String(value)));
    if (entry === undefined) entries.set(key, { bytes, expiresAtMs: performance.now() + expiresInMs });
    else entry.bytes = bytes;
    return value;
  }

  return {
    async get(key) {
      const entry = live(key);
      return entry && copy(entry.bytes);
    },
    async set(key, { bytes }) {
      put(key, bytes, Number.POSITIVE_INFINITY);
    },
    async setWithTtl(key, { bytes }) {
      put(key, bytes, performance.now() + hourMs);
    },
    async renew(key) {
      const entry = live(key);
      if (entry === undefined) return undefined;
      entry.expiresAtMs = performance.now() + hourMs;
      return copy(entry.bytes);
    },
    async touch(key) {
      const entry = live(key);
      if (entry !== undefined) entry.expiresAtMs = performance.now() + hourMs;
      return entry !== undefined;
    },
    async increment(key) {
      return count(key, Number.POSITIVE_INFINITY);
    },
    async check(key) {
      return count(key, 60_000) <= 1e9;
    },
    async getMany(keys) {
      return keys.map((key) => {
        const entry = live(key);
        return entry && copy(entry.bytes);
      });
    },
    async setMany(all) {
      for (const [key, { bytes }] of all) put(key, bytes, Number.POSITIVE_INFINITY);
    },
    async deleteAll() {
      entries.clear();
    },
  };
}

/** Over a buffer of its own, the quickest way there is. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
