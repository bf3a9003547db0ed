import type { Bytes, Duration, GetOptions, NamespacedStore, SetOptions, Value } from "@kv/core";
import { durationMs, utf8 } from "@kv/core/driver";
import { createStorage, prefixStorage, type Storage } from "unstorage";
import memoryDriver from "unstorage/drivers/memory";

/**
 * unstorage as a store, by a thin adapter: every call is the nearest that unstorage has, and nothing is checked or
 * mended on the way. Expiry is told to the driver as `ttl`, in seconds, and what it leaves is not to be asked.
 */
export class UnstorageStore implements NamespacedStore {
  readonly namespace: readonly string[];
  readonly #storage: Storage;

  constructor(storage: Storage = createStorage({ driver: memoryDriver() }), path: readonly string[] = []) {
    this.namespace = path;
    this.#storage = storage;
  }

  withNamespace(name: string): this {
    return new UnstorageStore(prefixStorage(this.#storage, name), [...this.namespace, name]) as this;
  }

  async get(key: string, options?: GetOptions): Promise<Bytes | undefined> {
    const found = await this.#storage.getItemRaw<Value>(key);
    if (options?.renewFor !== undefined) await this.touch(key, options.renewFor);
    return typeof found === "string" ? utf8(found) : ((found as Bytes | null) ?? undefined);
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<void> {
    const ttl =
      options?.expiresIn === undefined ? undefined : durationMs(options.expiresIn, "expiresIn") / 1_000;
    await this.#storage.setItemRaw(key, value, ttl === undefined ? {} : { ttl });
  }

  async touch(key: string, renewFor: Duration): Promise<boolean> {
    const found = await this.#storage.getItemRaw<Value>(key);
    if (found === null) return false;
    await this.set(key, found, { expiresIn: renewFor });
    return true;
  }

  async delete(key: string): Promise<boolean> {
    const there = await this.#storage.hasItem(key);
    await this.#storage.removeItem(key);
    return there;
  }

  deleteAll(): Promise<void> {
    return this.#storage.clear();
  }

  exists(key: string): Promise<boolean> {
    return this.#storage.hasItem(key);
  }

  async expiresIn(key: string): Promise<number | undefined> {
    return (await this.#storage.hasItem(key)) ? Number.POSITIVE_INFINITY : undefined;
  }

  async close(): Promise<void> {
    await this.#storage.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
