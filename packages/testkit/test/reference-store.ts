import {
  type Bytes,
  type Duration,
  type GetOptions,
  type SetOptions,
  type Store,
  StoreError,
  type Value,
} from "@kv/core";
import {
  bytesOf,
  checkExpiry,
  checkKey,
  checkRenewFor,
  checkValue,
  copyOf,
  durationMs,
} from "@kv/core/driver";

interface Entry {
  bytes: Uint8Array;
  expiresAtMs: number;
}

/** A whole `Store` of its own, without a driver and without a capability, by the clock of the machine. */
export class ReferenceStore implements Store {
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  async get(key: string, options?: GetOptions): Promise<Bytes | undefined> {
    const entry = this.#find("get", checkKey(key));
    const renewForMs = checkRenewFor(options);
    if (entry !== undefined && renewForMs !== undefined) renew(entry, renewForMs);
    return entry && copyOf(entry.bytes);
  }

  async set(key: string, value: Value, options?: SetOptions): Promise<void> {
    const old = this.#find("set", checkKey(key));
    const bytes = copyOf(bytesOf(checkValue(value)));
    const expiry = checkExpiry(options);
    const expiresAtMs =
      expiry === "keep" ? (old?.expiresAtMs ?? Number.POSITIVE_INFINITY) : performance.now() + expiry;
    this.#entries.set(key, { bytes, expiresAtMs });
  }

  async touch(key: string, renewFor: Duration): Promise<boolean> {
    const entry = this.#find("touch", checkKey(key));
    const renewForMs = durationMs(renewFor, "renewFor");
    if (entry !== undefined) renew(entry, renewForMs);
    return entry !== undefined;
  }

  async delete(key: string): Promise<boolean> {
    return this.#find("delete", checkKey(key)) !== undefined && this.#entries.delete(key);
  }

  async deleteAll(): Promise<void> {
    this.#assertOpen("deleteAll");
    this.#entries.clear();
  }

  async exists(key: string): Promise<boolean> {
    return this.#find("exists", checkKey(key)) !== undefined;
  }

  async expiresIn(key: string): Promise<number | undefined> {
    const entry = this.#find("expiresIn", checkKey(key));
    return entry && (entry.expiresAtMs - performance.now()) / 1_000;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #find(operation: string, key: string): Entry | undefined {
    this.#assertOpen(operation);
    const entry = this.#entries.get(key);
    return entry === undefined || entry.expiresAtMs <= performance.now() ? undefined : entry;
  }

  #assertOpen(operation: string): void {
    if (this.#closed) throw new StoreError("KV_CLOSED", `${operation} on a reference store: it was closed.`);
  }
}

function renew(entry: Entry, renewForMs: number): void {
  if (entry.expiresAtMs !== Number.POSITIVE_INFINITY) entry.expiresAtMs = performance.now() + renewForMs;
}
