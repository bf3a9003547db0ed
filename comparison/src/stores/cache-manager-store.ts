import type { BatchStore, Bytes, Duration, GetOptions, SetOptions, Value } from "@kv/core";
import { type Cache, createCache } from "cache-manager";
import { found, lifetimeIn, lifetimeMs, renewalIn, stored } from "./conversions.ts";
import { keyvOnRedis } from "./keyv-store.ts";

/** Keeps entries in memory, as cache-manager does by itself. */
export function cacheManagerInMemory(): Cache {
  return createCache();
}

/** Keeps entries in a database of Redis, by a Keyv. */
export function cacheManagerOnRedis(url: string): Cache {
  return createCache({ stores: [keyvOnRedis(url).open([])] });
}

/**
 * cache-manager as a store, by a thin adapter: every call is the nearest that cache-manager has, and nothing is checked
 * or mended on the way. It has no namespaces.
 */
export class CacheManagerStore implements BatchStore {
  readonly #cache: Cache;

  constructor(backend: Cache) {
    this.#cache = backend;
  }

  async get(key: string, options?: GetOptions): Promise<Bytes | undefined> {
    const renewFor = renewalIn(options);
    const value = await this.#cache.get<Value>(key);
    if (renewFor !== undefined) await this.touch(key, renewFor);
    return found(value);
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<void> {
    const lifetime = lifetimeIn(options);
    const ttl = lifetime === "keep" ? await this.#leftMs(key) : lifetime;
    await this.#cache.set(key, stored(value), ttl);
  }

  async touch(key: string, renewFor: Duration): Promise<boolean> {
    const ttl = lifetimeMs(renewFor);
    const value = await this.#cache.get<Value>(key);
    if (value === undefined) return false;
    if ((await this.#leftMs(key)) !== undefined) await this.#cache.set(key, value, ttl);
    return true;
  }

  /** cache-manager's own `del` says `true` of what was not there, too. */
  async delete(key: string): Promise<boolean> {
    const [there] = await Promise.all([this.exists(key), this.#cache.del(key)]);
    return there;
  }

  async deleteAll(): Promise<void> {
    await this.#cache.clear();
  }

  async exists(key: string): Promise<boolean> {
    return (await this.#cache.get<Value>(key)) !== undefined;
  }

  async expiresIn(key: string): Promise<number | undefined> {
    if (!(await this.exists(key))) return undefined;
    const leftMs = await this.#leftMs(key);
    return leftMs === undefined ? Number.POSITIVE_INFINITY : leftMs / 1_000;
  }

  async getMany(keys: Iterable<string>): Promise<(Bytes | undefined)[]> {
    return (await this.#cache.mget<Value>([...keys])).map(found);
  }

  async setMany(
    entries: Iterable<readonly [key: string, value: Value]>,
    options?: SetOptions,
  ): Promise<void> {
    const lifetime = lifetimeIn(options);
    const listed = Array.from(entries, ([key, value]) => ({ key, value: stored(value) }));
    const ttls = lifetime === "keep" ? await Promise.all(listed.map(({ key }) => this.#leftMs(key))) : [];
    const told = listed.map((entry, at) => ({ ...entry, ttl: lifetime === "keep" ? ttls[at] : lifetime }));
    await this.#cache.mset(told as Parameters<Cache["mset"]>[0]);
  }

  /** cache-manager's own `mdel` tells no number. */
  async deleteMany(keys: Iterable<string>): Promise<number> {
    const unique = [...new Set(keys)];
    const [there] = await Promise.all([this.#cache.mget<Value>(unique), this.#cache.mdel(unique)]);
    return there.filter((value) => value !== undefined).length;
  }

  close(): Promise<void> {
    return this.#cache.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leftMs(key: string): Promise<number | undefined> {
    const expires = await this.#cache.ttl(key);
    return expires === undefined ? undefined : expires - Date.now();
  }
}
