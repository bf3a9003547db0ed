import type { Bytes, Duration, GetOptions, NamespacedStore, SetOptions, Value } from "@kv/core";
import { BentoCache, type BentoStore, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { redisDriver } from "bentocache/drivers/redis";
import { Redis } from "ioredis";
import { found, lifetimeIn, lifetimeMs, renewalIn, stored } from "./conversions.ts";

/** Keeps entries in memory: more of them than any case of the kit makes, since what is too much is evicted. */
export function bentocacheInMemory(): BentoStore {
  return bentostore().useL1Layer(memoryDriver({ maxItems: 20_000 }));
}

/** Keeps entries in a database of Redis. */
export function bentocacheOnRedis(url: string): BentoStore {
  const connection = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1, commandTimeout: 2_000 });
  connection.on("error", () => {}); // the calls reject with them
  return bentostore().useL2Layer(redisDriver({ connection }));
}

type Root = BentoCache<{ only: BentoStore }>;

/** A cache with a namespace or without: they have the same calls. */
type Cache = ReturnType<Root["namespace"]>;

/**
 * bentocache as a store, by a thin adapter: every call is the nearest that bentocache has, and nothing is checked or
 * mended on the way. What is left of a lifetime is not to be asked.
 */
export class BentoCacheStore implements NamespacedStore {
  readonly namespace: readonly string[];
  readonly #cache: Cache;

  constructor(backend: BentoStore | Cache, path: readonly string[] = []) {
    this.namespace = path;
    this.#cache =
      "set" in backend ? backend : new BentoCache({ default: "only", stores: { only: backend } }).use();
  }

  withNamespace(name: string): this {
    return new BentoCacheStore(this.#cache.namespace(name), [...this.namespace, name]) as this;
  }

  async get(key: string, options?: GetOptions): Promise<Bytes | undefined> {
    const renewFor = renewalIn(options);
    const value: unknown = await this.#cache.get({ key });
    if (renewFor !== undefined) await this.touch(key, renewFor);
    return found(value);
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<void> {
    const lifetime = lifetimeIn(options);
    await this.#cache.set({
      key,
      value: stored(value),
      ttl: lifetime === "keep" ? null : (lifetime ?? null),
    });
  }

  async touch(key: string, renewFor: Duration): Promise<boolean> {
    const ttl = lifetimeMs(renewFor) ?? null;
    const value: unknown = await this.#cache.get({ key });
    if (value === undefined) return false;
    await this.#cache.set({ key, value, ttl });
    return true;
  }

  /** bentocache's own `delete` says `true` of what was not there, too. */
  async delete(key: string): Promise<boolean> {
    const there = await this.#cache.has({ key });
    await this.#cache.delete({ key });
    return there;
  }

  deleteAll(): Promise<void> {
    return this.#cache.clear();
  }

  exists(key: string): Promise<boolean> {
    return this.#cache.has({ key });
  }

  async expiresIn(key: string): Promise<number | undefined> {
    return (await this.#cache.has({ key })) ? Number.POSITIVE_INFINITY : undefined;
  }

  /** A namespace of bentocache has no end of its own: it shares the connection of its parent. */
  async close(): Promise<void> {
    if (this.namespace.length === 0) await this.#cache.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
