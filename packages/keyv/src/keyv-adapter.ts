import { EventEmitter } from "node:events";
import { type BatchStore, type ListableStore, type NamespacedStore, text, typed } from "@kv/core";
import { capabilities } from "./capabilities.ts";
import { ttlUntil } from "./expires.ts";
import type { KeyvStore, KeyvStoreCapabilities, KeyvStoreEntry, KeyvStoreEvents } from "./keyv-types.ts";
import { deleteOwnKeys, entriesOf } from "./own-entries.ts";
import { setEntries, setEntry } from "./set-entries.ts";

/** What a Keyv needs of a store. */
export type KeyvBacking = NamespacedStore & BatchStore & ListableStore;

const Emitter = EventEmitter as unknown as new () => KeyvStoreEvents;

/**
 * Answers Keyv 5 and Keyv 6, which call the same methods and mean other things: `set(key, value, 60_000)` is a minute in
 * Keyv 5, and a time in January 1970 in Keyv 6. The numbers do not tell which, so the adapter goes by what each Keyv
 * must ask before it calls anything: Keyv 6 reads `capabilities`, which tells it that times are welcome, and Keyv 5
 * reads `opts`, which tells it that it may iterate. Neither reads the other's. What was read last does not count, but
 * what was read first: an adapter never changes its mind. Both are accessors of the prototype, so that looking at an
 * adapter, or copying it, reads neither.
 */
export class KeyvAdapter extends Emitter implements KeyvStore {
  readonly #store: KeyvBacking;
  readonly #closeStore: boolean;
  readonly #root;
  #at;
  #namespace: string | undefined;
  #keyv: 5 | 6 | undefined;

  constructor(store: KeyvBacking, closeStore: boolean, keyv: 5 | 6 | undefined) {
    super();
    this.#store = store;
    this.#closeStore = closeStore;
    this.#root = typed<string, KeyvBacking>(store, text);
    this.#at = this.#root;
    this.#keyv = keyv;
  }

  get opts(): { readonly dialect: "redis" } {
    if (this.#keyv === 6) {
      throw new TypeError("This adapter is that of a Keyv 6: make one for each Keyv, with keyvStore().");
    }
    this.#keyv = 5;
    // Keyv 5 iterates over an adapter only if this is one of seven names; without it, its constructor fails.
    return { dialect: "redis" };
  }

  get capabilities(): KeyvStoreCapabilities {
    this.#keyv ??= 6;
    return capabilities(this.#keyv === 6);
  }

  get namespace(): string | undefined {
    return this.#namespace;
  }

  set namespace(namespace: string | undefined) {
    this.#at = this.#in(namespace);
    this.#namespace = namespace;
  }

  async get<T>(key: string): Promise<(T & string) | undefined> {
    try {
      return (await this.#at.get(key)) as (T & string) | undefined;
    } catch (error) {
      // Keyv 6 tells of it by itself. An emitter without listeners would throw.
      if (this.#keyv !== 6 && this.listenerCount("error") > 0) this.emit("error", error);
      throw error;
    }
  }

  async getMany<T>(keys: string[]): Promise<((T & string) | undefined)[]> {
    return (await this.#at.getMany(keys)) as ((T & string) | undefined)[];
  }

  async has(key: string): Promise<boolean> {
    return this.#at.exists(key);
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.#at.exists(key)));
  }

  async set(key: string, value: unknown, end?: number): Promise<boolean> {
    await setEntry(this.#at, key, value, this.#ttl(end));
    return true;
  }

  async setMany(entries: readonly KeyvStoreEntry[]): Promise<undefined> {
    const now = Date.now();
    await setEntries(
      this.#at,
      entries.map(({ key, value, ttl, expires }) => ({ key, value, ttl: ttl ?? ttlUntil(expires, now) })),
    );
    return entries.map(() => true) as unknown as undefined;
  }

  async delete(key: string): Promise<boolean> {
    return this.#at.delete(key);
  }

  async deleteMany(keys: string[]): Promise<boolean & boolean[]> {
    const answer =
      this.#caller("what deleteMany resolves with") === 6
        ? await Promise.all(keys.map((key) => this.#at.delete(key)))
        : (await this.#at.deleteMany(keys)) > 0;
    return answer as boolean & boolean[];
  }

  async clear(): Promise<void> {
    // What lies in namespaces below is that of other Keyvs.
    await (isNone(this.#namespace) ? deleteOwnKeys(this.#at) : this.#at.deleteAll());
  }

  async *iterator(namespace: string | undefined = this.#namespace): AsyncGenerator<[string, string], void> {
    yield* entriesOf(this.#in(namespace));
  }

  async disconnect(): Promise<void> {
    if (this.#closeStore) await this.#store.close();
  }

  #in(namespace: string | undefined) {
    return isNone(namespace) ? this.#root : this.#root.withNamespace(namespace);
  }

  #ttl(end: number | undefined): number | undefined {
    if (end === undefined || end === null) return undefined;
    return this.#caller(`whether ${end} is a ttl or a time`) === 6 ? ttlUntil(end, Date.now()) : end;
  }

  #caller(what: string): 5 | 6 {
    if (this.#keyv !== undefined) return this.#keyv;
    throw new TypeError(
      `Which Keyv calls decides ${what}, and none has taken this adapter. Give it to a Keyv as its store, or tell: keyvStore(store, { keyv: 6 }).`,
    );
  }
}

function isNone(namespace: string | undefined): namespace is undefined | "" {
  return namespace === undefined || namespace === "";
}
