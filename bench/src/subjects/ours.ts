import type { FullStore } from "@kv/core";
import type { Subject } from "../subject.ts";

const hour = { expiresIn: "1h" } as const;
const window = { expiresIn: "1m" } as const;
const limit = 1e9;
const renewal = { renewFor: "1h" } as const;

/** One of our stores. */
export function ours(store: FullStore): Subject {
  return {
    get: (key) => store.get(key),
    set: (key, { bytes }) => store.set(key, bytes),
    setWithTtl: (key, { bytes }) => store.set(key, bytes, hour),
    renew: (key) => store.get(key, renewal),
    touch: (key) => store.touch(key, "1h"),
    increment: (key) => store.increment(key),
    check: async (key) => (await store.increment(key, window)).value <= limit,
    getMany: (keys) => store.getMany(keys),
    setMany: (entries) => store.setMany(entries.map(([key, { bytes }]) => [key, bytes] as const)),
    deleteAll: () => store.deleteAll(),
    close: () => store.close(),
  };
}

/** The same, given text. */
export function oursOfText(store: FullStore): Subject {
  return {
    ...ours(store),
    set: (key, { text }) => store.set(key, text),
    setWithTtl: (key, { text }) => store.set(key, text, hour),
    setMany: (entries) => store.setMany(entries.map(([key, { text }]) => [key, text] as const)),
  };
}
