import { createClient, createKeyv, defaultReconnectStrategy } from "@keyv/redis";
import type { BatchStore, Bytes, Duration, GetOptions, NamespacedStore, SetOptions, Value } from "@kv/core";
import { Keyv, type KeyvEntry } from "keyv";
import { found, lifetimeIn, lifetimeMs, renewalIn, stored } from "./conversions.ts";

/** A place for the entries of Keyv. */
export interface KeyvBackend {
  /** Makes the Keyv of a path of namespaces, joined by the separator that the backend itself uses. */
  open(path: readonly string[]): Keyv<Value>;
}

/** Keeps entries in a Map. */
export function keyvInMemory(map = new Map<string, unknown>()): KeyvBackend {
  return {
    open: (path) =>
      new Keyv<Value>({
        store: map,
        throwOnErrors: true,
        ...(path.length > 0 && { namespace: path.join(":") }),
      }),
  };
}

/** Keeps entries in a database of Redis, which is Keyv's alone. All namespaces share one connection. */
export function keyvOnRedis(url: string): KeyvBackend {
  const client = createClient({
    url,
    // Without an end to it, a batch waits for the server for ever: no timeout is given to a transaction.
    socket: { reconnectStrategy: (tries) => tries < 3 && defaultReconnectStrategy(tries) },
    commandOptions: { timeout: 2_000 },
    disableClientInfo: true, // Redis knows CLIENT SETINFO from 7.2 on
  });
  client.setMaxListeners(0); // each namespace listens
  return {
    open(path) {
      const namespace = path.length === 0 ? {} : { namespace: path.join("::") };
      const keyv = createKeyv(client, { throwOnErrors: true, noNamespaceAffectsAll: true, ...namespace });
      return keyv.on("error", () => {}); // the calls reject with them
    },
  };
}

/**
 * Keyv as a store, by a thin adapter: every call is the nearest that Keyv has, and nothing is checked or mended on
 * the way.
 */
export class KeyvStore implements NamespacedStore, BatchStore {
  readonly namespace: readonly string[];
  readonly #backend: KeyvBackend;
  readonly #keyv: Keyv<Value>;

  constructor(backend: KeyvBackend, path: readonly string[] = []) {
    this.namespace = path;
    this.#backend = backend;
    this.#keyv = backend.open(path);
  }

  withNamespace(name: string): this {
    return new KeyvStore(this.#backend, [...this.namespace, name]) as this;
  }

  async get(key: string, options?: GetOptions): Promise<Bytes | undefined> {
    const renewFor = renewalIn(options);
    const value = await this.#keyv.get(key);
    if (renewFor !== undefined) await this.touch(key, renewFor);
    return found(value);
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<void> {
    const lifetime = lifetimeIn(options);
    const ttl = lifetime === "keep" ? await this.#leftMs(key) : lifetime;
    await this.#keyv.set(key, stored(value), ttl);
  }

  async touch(key: string, renewFor: Duration): Promise<boolean> {
    const ttl = lifetimeMs(renewFor);
    const value = await this.#keyv.get(key);
    if (value === undefined) return false;
    if ((await this.#leftMs(key)) !== undefined) await this.#keyv.set(key, value, ttl);
    return true;
  }

  delete(key: string): Promise<boolean> {
    return this.#keyv.delete(key);
  }

  deleteAll(): Promise<void> {
    return this.#keyv.clear();
  }

  exists(key: string): Promise<boolean> {
    return this.#keyv.has(key);
  }

  async expiresIn(key: string): Promise<number | undefined> {
    if (!(await this.#keyv.has(key))) return undefined;
    const leftMs = await this.#leftMs(key);
    return leftMs === undefined ? Number.POSITIVE_INFINITY : leftMs / 1_000;
  }

  async getMany(keys: Iterable<string>): Promise<(Bytes | undefined)[]> {
    return (await this.#keyv.getMany<Value>([...keys])).map(found);
  }

  async setMany(
    entries: Iterable<readonly [key: string, value: Value]>,
    options?: SetOptions,
  ): Promise<void> {
    const lifetime = lifetimeIn(options);
    const listed = Array.from(entries, ([key, value]) => ({ key, value: stored(value) }));
    const ttls = lifetime === "keep" ? await Promise.all(listed.map(({ key }) => this.#leftMs(key))) : [];
    const told = listed.map((entry, at) => ({ ...entry, ttl: lifetime === "keep" ? ttls[at] : lifetime }));
    await this.#keyv.setMany(told as KeyvEntry[]);
  }

  /** Keyv's own `deleteMany` tells no number. */
  async deleteMany(keys: Iterable<string>): Promise<number> {
    const unique = [...new Set(keys)];
    const there = await this.#keyv.hasMany(unique);
    await this.#keyv.deleteMany(unique);
    return there.filter(Boolean).length;
  }

  /** A namespace of Keyv has no end of its own: it shares the connection of its parent. */
  async close(): Promise<void> {
    if (this.namespace.length === 0) await this.#keyv.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leftMs(key: string): Promise<number | undefined> {
    const raw = await this.#keyv.getRaw(key);
    return typeof raw?.expires === "number" ? raw.expires - Date.now() : undefined;
  }
}
