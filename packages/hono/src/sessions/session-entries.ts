import type { AtomicStore, Bytes } from "@kv/core";
import { type BoundCodec, bytesOf, copyOf } from "@kv/core/driver";
import { newSessionId, sessionKey } from "./id.ts";
import { readRecord, writeRecord } from "./record.ts";

/** The store of sessions, their codec and lifetimes. */
export interface SessionEntriesOptions<Data> {
  readonly store: AtomicStore;
  readonly codec: BoundCodec<Data>;
  readonly idleMs: number;
  readonly absoluteMs: number;
  readonly now: () => number;
}

/** A session as it was last read or written. */
export interface SessionSnapshot {
  readonly key: string;
  /** The entry, byte for byte: a write replaces exactly this. */
  readonly bytes: Bytes;
  readonly absoluteExpiryMs: number;
  readonly encodedData: Bytes;
}

/** The sessions in a store. Every write of one that is there already is an atomic step on what was read. */
export class SessionEntries<Data> {
  readonly #store: AtomicStore;
  readonly #codec: BoundCodec<Data>;
  readonly #idleMs: number;
  readonly #absoluteMs: number;
  readonly #now: () => number;

  constructor({ store, codec, idleMs, absoluteMs, now }: SessionEntriesOptions<Data>) {
    this.#store = store;
    this.#codec = codec;
    this.#idleMs = idleMs;
    this.#absoluteMs = absoluteMs;
    this.#now = now;
  }

  /** Reads a session and renews it in the same step; `undefined` where there is none, or it has ended. */
  async load(key: string): Promise<SessionSnapshot | undefined> {
    const bytes = await this.#store.get(key, { renewFor: { milliseconds: this.#idleMs } });
    if (bytes === undefined) return undefined;
    const snapshot = { key, bytes, ...readRecord(bytes) };
    if (!this.hasEnded(snapshot)) return snapshot;
    await this.#store.delete(key); // it was renewed just now, and would stay for another while
    return undefined;
  }

  /** Makes a session under a new id, which `add` stores. */
  async make(data: Data): Promise<{ readonly id: string; readonly snapshot: SessionSnapshot }> {
    const id = newSessionId();
    const key = await sessionKey(id);
    const bytes = copyOf(await writeRecord(this.#now() + this.#absoluteMs, data, this.#codec));
    return { id, snapshot: { key, bytes, ...readRecord(bytes) } };
  }

  async add({ key, bytes, absoluteExpiryMs }: SessionSnapshot): Promise<void> {
    await this.#store.set(key, bytes, { expiresIn: this.#timeLeft(absoluteExpiryMs) });
  }

  /** Replaces the data. Resolves with `undefined` where the entry is no longer that of the snapshot. */
  async replace(snapshot: SessionSnapshot, data: Data): Promise<SessionSnapshot | undefined> {
    const { key, absoluteExpiryMs } = snapshot;
    const bytes = copyOf(await writeRecord(absoluteExpiryMs, data, this.#codec));
    const expiresIn = this.#timeLeft(absoluteExpiryMs);
    if (!(await this.#store.compareAndSet(key, snapshot.bytes, bytes, { expiresIn }))) return undefined;
    return { key, bytes, ...readRecord(bytes) };
  }

  /** Removes the entry where it is still that of the snapshot. Returns whether it was. */
  remove({ key, bytes }: SessionSnapshot): Promise<boolean> {
    return this.#store.compareAndDelete(key, bytes);
  }

  /** Removes the session, whatever was written to it since. */
  async destroy({ key }: SessionSnapshot): Promise<void> {
    await this.#store.delete(key);
  }

  async dataOf({ encodedData }: SessionSnapshot): Promise<Data> {
    return this.#codec.decode("a read of a session", copyOf(bytesOf(encodedData)));
  }

  hasEnded({ absoluteExpiryMs }: SessionSnapshot): boolean {
    return absoluteExpiryMs <= this.#now();
  }

  /** Returns how long the entry lives from now, never beyond the end of the session. */
  #timeLeft(absoluteExpiryMs: number): { milliseconds: number } {
    return { milliseconds: Math.max(1, Math.min(this.#idleMs, absoluteExpiryMs - this.#now())) };
  }
}
