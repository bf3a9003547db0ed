import type { Bytes, Duration, GetOptions, NamespacedStore, SetOptions, Value } from "@kv/core";
import { durationMs, utf8 } from "@kv/core/driver";
import { Keyv } from "keyv";

/**
 * Keyv as a store, by a thin adapter: every call is the nearest that Keyv has, and nothing is checked or mended on
 * the way. Keyv keeps any value that JSON can hold, bytes included; namespaces are its own, joined by its separator.
 */
export class KeyvStore implements NamespacedStore {
  readonly namespace: readonly string[];
  readonly #shared: Map<string, unknown>;
  readonly #keyv: Keyv<Value>;

  constructor(shared: Map<string, unknown> = new Map(), path: readonly string[] = []) {
    this.namespace = path;
    this.#shared = shared;
    this.#keyv = new Keyv<Value>({ store: shared, ...(path.length > 0 && { namespace: path.join(":") }) });
  }

  withNamespace(name: string): this {
    return new KeyvStore(this.#shared, [...this.namespace, name]) as this;
  }

  async get(key: string, options?: GetOptions): Promise<Bytes | undefined> {
    const found = await this.#keyv.get(key);
    if (options?.renewFor !== undefined) await this.touch(key, options.renewFor);
    return typeof found === "string" ? utf8(found) : (found as Bytes | undefined);
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<void> {
    const ttlMs =
      options?.keepExpiry === true
        ? await this.#leftMs(key)
        : options?.expiresIn === undefined
          ? undefined
          : durationMs(options.expiresIn, "expiresIn");
    await this.#keyv.set(key, value, ttlMs);
  }

  async touch(key: string, renewFor: Duration): Promise<boolean> {
    const found = await this.#keyv.get(key);
    if (found === undefined) return false;
    if ((await this.#leftMs(key)) !== undefined)
      await this.#keyv.set(key, found, durationMs(renewFor, "renewFor"));
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

  close(): Promise<void> {
    return this.#keyv.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leftMs(key: string): Promise<number | undefined> {
    const raw = await this.#keyv.getRaw(key);
    return typeof raw?.expires === "number" ? raw.expires - Date.now() : undefined;
  }
}
