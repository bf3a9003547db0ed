import { EventEmitter } from "node:events";
import { type BatchStore, type ListableStore, type NamespacedStore, text, typed } from "@kv/core";
import { time } from "@kv/core/driver";
import { capabilities } from "./capabilities.ts";
import { ttlUntil } from "./expires.ts";
import type { KeyvStore, KeyvStoreCapabilities, KeyvStoreEntry, KeyvStoreEvents } from "./keyv-types.ts";
import { deleteOwnKeys, entriesOf } from "./own-entries.ts";
import { setEntries, setEntry } from "./set-entries.ts";

/** A store with the capabilities that a Keyv needs. */
export type KeyvBacking = NamespacedStore & BatchStore & ListableStore;

const Emitter = EventEmitter as unknown as new () => KeyvStoreEvents;

/**
 * Serves Keyv 5 and Keyv 6, which call the same methods with different meanings: `set(key, value, 60_000)` is a minute
 * in Keyv 5, and a time in January 1970 in Keyv 6. The numbers do not tell which, so the adapter goes by the property
 * that each Keyv must read before it calls a method: Keyv 6 reads `capabilities`, which says that the store takes
 * times, and Keyv 5 reads `opts`, which says that it may iterate. Neither reads the other one. The first read decides,
 * once. Both are accessors of the prototype, so that inspecting or copying an adapter reads neither.
 */
export class KeyvAdapter extends Emitter implements KeyvStore {
  readonly #store: KeyvBacking;
  readonly #closeStore: boolean;
  readonly #root;
  #texts;
  #namespace: string | undefined;
  #version: 5 | 6 | undefined;

  constructor(store: KeyvBacking, closeStore: boolean, version: 5 | 6 | undefined) {
    super();
    this.#store = store;
    this.#closeStore = closeStore;
    this.#root = typed<string, KeyvBacking>(store, text);
    this.#texts = this.#root;
    this.#version = version;
  }

  get opts(): { readonly dialect: "redis" } {
    if (this.#version === 6) {
      throw new TypeError("A Keyv 6 has this adapter already: make one for each Keyv, with keyvStore().");
    }
    this.#version = 5;
    // Keyv 5 iterates over an adapter only if this is one of seven names; its constructor fails without it.
    return { dialect: "redis" };
  }

  get capabilities(): KeyvStoreCapabilities {
    this.#version ??= 6;
    return capabilities(this.#version === 6);
  }

  get namespace(): string | undefined {
    return this.#namespace;
  }

  set namespace(namespace: string | undefined) {
    this.#texts = this.#textsIn(namespace);
    this.#namespace = namespace;
  }

  async get<T>(key: string): Promise<(T & string) | undefined> {
    try {
      return (await this.#texts.get(key)) as (T & string) | undefined;
    } catch (error) {
      // Keyv 6 emits it itself. An emitter without listeners would throw.
      if (this.#version !== 6 && this.listenerCount("error") > 0) this.emit("error", error);
      throw error;
    }
  }

  async getMany<T>(keys: string[]): Promise<((T & string) | undefined)[]> {
    return (await this.#texts.getMany(keys)) as ((T & string) | undefined)[];
  }

  async has(key: string): Promise<boolean> {
    return this.#texts.exists(key);
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.#texts.exists(key)));
  }

  async set(key: string, value: unknown, end?: number): Promise<boolean> {
    await setEntry(this.#texts, key, value, this.#ttl(end));
    return true;
  }

  async setMany(entries: readonly KeyvStoreEntry[]): Promise<undefined> {
    const nowMs = time.wallMs();
    await setEntries(
      this.#texts,
      entries.map(({ key, value, ttl, expires }) => ({ key, value, ttl: ttl ?? ttlUntil(expires, nowMs) })),
    );
    return entries.map(() => true) as unknown as undefined;
  }

  async delete(key: string): Promise<boolean> {
    return this.#texts.delete(key);
  }

  async deleteMany(keys: string[]): Promise<boolean & boolean[]> {
    const answer =
      this.#knownVersion("what deleteMany resolves with") === 6
        ? await Promise.all(keys.map((key) => this.#texts.delete(key)))
        : (await this.#texts.deleteMany(keys)) > 0;
    return answer as boolean & boolean[];
  }

  async clear(): Promise<void> {
    // Namespaces below are those of other Keyvs.
    await (isUnset(this.#namespace) ? deleteOwnKeys(this.#texts) : this.#texts.deleteAll());
  }

  async *iterator(namespace: string | undefined = this.#namespace): AsyncGenerator<[string, string], void> {
    yield* entriesOf(this.#textsIn(namespace));
  }

  async disconnect(): Promise<void> {
    if (this.#closeStore) await this.#store.close();
  }

  #textsIn(namespace: string | undefined) {
    return isUnset(namespace) ? this.#root : this.#root.withNamespace(namespace);
  }

  #ttl(end: number | undefined): number | undefined {
    if (end === undefined || end === null) return undefined;
    return this.#knownVersion(`whether ${end} is a ttl or a time`) === 6 ? ttlUntil(end, time.wallMs()) : end;
  }

  #knownVersion(decides: string): 5 | 6 {
    if (this.#version !== undefined) return this.#version;
    throw new TypeError(
      `The version of Keyv decides ${decides}, and no Keyv has this adapter yet. Give it to a Keyv as its store, or set the version: keyvStore(store, { keyv: 6 }).`,
    );
  }
}

function isUnset(namespace: string | undefined): namespace is undefined | "" {
  return namespace === undefined || namespace === "";
}
