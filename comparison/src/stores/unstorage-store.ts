import type { Bytes, Duration, GetOptions, NamespacedStore, SetOptions, Value } from "@kv/core";
import { createStorage, type Driver, prefixStorage, type Storage } from "unstorage";
import memoryDriver from "unstorage/drivers/memory";
import redisDriver from "unstorage/drivers/redis";
import { found, lifetimeIn, lifetimeMs, renewalIn, stored } from "./conversions.ts";

/** Keeps entries in a Map. */
export function unstorageInMemory(): Driver {
  return memoryDriver();
}

/** Keeps entries in a database of Redis, which is unstorage's alone. */
export function unstorageOnRedis(url: string): Driver {
  return redisDriver({ url, maxRetriesPerRequest: 1, commandTimeout: 2_000 });
}

/**
 * unstorage as a store, by a thin adapter: every call is the nearest that unstorage has, and nothing is checked or
 * mended on the way. Expiry is told to the driver as `ttl`, in whole seconds, and what is left of it is not to be asked.
 */
export class UnstorageStore implements NamespacedStore {
  readonly namespace: readonly string[];
  readonly #storage: Storage;

  constructor(backend: Driver | Storage, path: readonly string[] = []) {
    this.namespace = path;
    this.#storage = "setItem" in backend && "mount" in backend ? backend : createStorage({ driver: backend });
  }

  withNamespace(name: string): this {
    return new UnstorageStore(prefixStorage(this.#storage, name), [...this.namespace, name]) as this;
  }

  async get(key: string, options?: GetOptions): Promise<Bytes | undefined> {
    const renewFor = renewalIn(options);
    const value = await this.#storage.getItemRaw<Value>(key);
    if (renewFor !== undefined) await this.touch(key, renewFor);
    return found(value);
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<void> {
    const lifetime = lifetimeIn(options);
    await this.#set(key, stored(value), lifetime === "keep" ? undefined : lifetime);
  }

  async touch(key: string, renewFor: Duration): Promise<boolean> {
    const ms = lifetimeMs(renewFor);
    const value = await this.#storage.getItemRaw<Value>(key);
    if (value === null) return false;
    await this.#set(key, value, ms);
    return true;
  }

  async delete(key: string): Promise<boolean> {
    const [there] = await Promise.all([this.#storage.hasItem(key), this.#storage.removeItem(key)]);
    return there;
  }

  /** In a namespace as unstorage's guide says: `clear` is for mounted drivers, a prefix is listed and removed. */
  async deleteAll(): Promise<void> {
    if (this.namespace.length === 0) return this.#storage.clear();
    const keys = await this.#storage.getKeys();
    await Promise.all(keys.map((key) => this.#storage.removeItem(key)));
  }

  exists(key: string): Promise<boolean> {
    return this.#storage.hasItem(key);
  }

  async expiresIn(key: string): Promise<number | undefined> {
    return (await this.#storage.hasItem(key)) ? Number.POSITIVE_INFINITY : undefined;
  }

  /** A prefixed storage has no end of its own: its `dispose` is that of the whole. */
  async close(): Promise<void> {
    if (this.namespace.length === 0) await this.#storage.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #set(key: string, value: Value, ms: number | undefined): Promise<void> {
    await this.#storage.setItemRaw(key, value, ms === undefined ? {} : { ttl: Math.ceil(ms / 1_000) });
  }
}
