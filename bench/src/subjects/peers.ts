import type { Cache } from "cache-manager";
import type { Cacheable } from "cacheable";
import type { Keyv } from "keyv";
import type { LRUCache } from "lru-cache";
import type { RateLimiterAbstract } from "rate-limiter-flexible";
import type { Storage } from "unstorage";
import type { Subject } from "../subject.ts";

const hourMs = 3_600_000;

// Text where a peer keeps values as JSON: it would keep bytes as Base64, which is slower.

export function keyv(store: Keyv): Subject {
  return {
    get: (key) => store.get(key),
    set: (key, { text }) => store.set(key, text),
    setWithTtl: (key, { text }) => store.set(key, text, hourMs),
    getMany: (keys) => store.getMany([...keys]),
    setMany: (entries) => store.setMany(entries.map(([key, { text }]) => ({ key, value: text }))),
    deleteAll: () => store.clear(),
    close: () => store.disconnect(),
  };
}

export function unstorage(storage: Storage): Subject {
  return {
    get: (key) => storage.getItem(key),
    set: (key, { text }) => storage.setItem(key, text),
    getMany: (keys) => storage.getItems([...keys]),
    setMany: (entries) => storage.setItems(entries.map(([key, { text }]) => ({ key, value: text }))),
    deleteAll: () => storage.clear(),
    close: () => storage.dispose(),
  };
}

/** Over a driver that takes bytes as they are. */
export function unstorageOfBytes(storage: Storage): Subject {
  return {
    get: (key) => storage.getItemRaw(key),
    set: (key, { bytes }) => storage.setItemRaw(key, bytes),
    deleteAll: () => storage.clear(),
    close: () => storage.dispose(),
  };
}

export function unstorageOverRedis(storage: Storage): Subject {
  return {
    ...unstorage(storage),
    setWithTtl: (key, { text }) => storage.setItem(key, text, { ttl: hourMs / 1_000 }),
  };
}

/** Behind an async function, as a service would have it that may move to a server one day. It keeps references. */
export function lruCache(cache: LRUCache<string, Uint8Array>): Subject {
  return {
    get: async (key) => cache.get(key),
    set: async (key, { bytes }) => cache.set(key, bytes),
    setWithTtl: async (key, { bytes }) => cache.set(key, bytes, { ttl: hourMs }),
    renew: async (key) => cache.get(key, { updateAgeOnGet: true }),
    getMany: async (keys) => keys.map((key) => cache.get(key)),
    async setMany(entries) {
      for (const [key, { bytes }] of entries) cache.set(key, bytes);
    },
    deleteAll: async () => cache.clear(),
  };
}

export function cacheManager(cache: Cache): Subject {
  return {
    get: (key) => cache.get(key),
    set: (key, { text }) => cache.set(key, text),
    setWithTtl: (key, { text }) => cache.set(key, text, hourMs),
    getMany: (keys) => cache.mget([...keys]),
    setMany: (entries) => cache.mset(entries.map(([key, { text }]) => ({ key, value: text }))),
    deleteAll: () => cache.clear(),
    close: () => cache.disconnect(),
  };
}

export function cacheable(cache: Cacheable): Subject {
  return {
    get: (key) => cache.get(key),
    set: (key, { text }) => cache.set(key, text),
    setWithTtl: (key, { text }) => cache.set(key, text, hourMs),
    getMany: (keys) => cache.getMany([...keys]),
    setMany: (entries) => cache.setMany(entries.map(([key, { text }]) => ({ key, value: text }))),
    deleteAll: () => cache.clear(),
    close: () => cache.disconnect(),
  };
}

export function rateLimiterFlexible(limiter: RateLimiterAbstract): Subject {
  return { check: (key) => limiter.consume(key) };
}
