import { createHash } from "node:crypto";
import { findStore, isStoreError, type StoreError, type StoreSource, type StoreWith } from "@kv/core";
import { type BoundCodec, boundCodec, bytesOf, capMs, KeyedQueue, sameBytes, time } from "@kv/core/driver";
import {
  attachVersion,
  type LoadedVersion,
  versionOf,
  withoutVersionToken,
  withVersionToken,
} from "./loaded-version.ts";
import type { SessionSettings } from "./options.ts";
import {
  checkStoredSession,
  type SessionContent,
  type StoredSession,
  toPlainSession,
  ttlOf,
  withFreshExpiry,
} from "./stored-session.ts";

type SessionsStore = StoreWith<"atomic" | "listing">;

/** The number of sessions that `all` reads concurrently. */
const pageSize = 500;

/**
 * Opens the sessions in a store.
 *
 * @throws TypeError for a store that lacks the capabilities that sessions need
 */
export function sessionsIn(source: StoreSource<SessionsStore>, settings: SessionSettings): Sessions {
  const { name } = settings;
  const store = findStore(source, { name, capabilities: ["atomic", "listing"], purpose: "A session store" });
  return new Sessions(store, settings);
}

/**
 * The sessions in a store, by their ids, which the session stores of all frameworks share. Saves, renewals and removals
 * of a session take effect in the order in which they are called; on Cloudflare Workers, where no call waits for another,
 * if each is awaited.
 */
export class Sessions {
  readonly #store: SessionsStore;
  readonly #settings: SessionSettings;
  readonly #codec: BoundCodec<StoredSession>;
  readonly #queue = new KeyedQueue();

  constructor(store: SessionsStore, settings: SessionSettings) {
    this.#store = store;
    this.#settings = settings;
    this.#codec = boundCodec(settings.codec, store);
  }

  /** Loads a session; `undefined` where there is none, or it has ended. */
  async load(id: string): Promise<SessionContent | undefined> {
    const { onOutage, reportError } = this.#settings;
    try {
      const found = await this.#find(this.storedId(id));
      return found && withVersionToken(withFreshExpiry(found.stored, time.wallMs()), found.version);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (!isUnreadable(error) && onOutage === "refuse") throw error;
      reportError(error);
      return undefined;
    }
  }

  /**
   * Saves a session. One that was loaded is written only if its entry is still there, and only if it has changed; one
   * that was destroyed or has expired meanwhile stays so, which is not an error. Of two concurrent saves the last one
   * counts.
   */
  async save(id: string, session: object): Promise<void> {
    const key = this.storedId(id);
    await this.#queue.run(key, async () => {
      const version = versionOf(session, key);
      if (version === undefined) await this.#create(key, session);
      else await this.#update(session, version);
    });
  }

  /** Moves the expiry, without reading or writing the session. */
  async renew(id: string, session: object): Promise<void> {
    const key = this.storedId(id);
    await this.#queue.run(key, async () => {
      const createdAtMs = versionOf(session, key)?.createdAtMs ?? (await this.#createdAtMs(key));
      if (createdAtMs !== undefined) await this.#touch(key, this.#ttlMs(session, createdAtMs));
    });
  }

  async destroy(id: string): Promise<void> {
    await this.destroyStored(this.storedId(id));
  }

  async destroyStored(storedId: string): Promise<void> {
    await this.#queue.run(storedId, () => this.#store.delete(storedId));
  }

  async destroyAll(): Promise<void> {
    // It has to begin in its turn, no more: from there on the store keeps the order (S6).
    const { removal } = await this.#queue.runAlone(() => ({ removal: this.#store.deleteAll() }));
    await removal;
  }

  /** Lists the keys of all sessions, each once. */
  async storedIds(): Promise<string[]> {
    const keys = new Set<string>();
    for await (const key of this.#store.keys()) keys.add(key);
    return [...keys];
  }

  async count(): Promise<number> {
    return (await this.storedIds()).length;
  }

  /** Loads all sessions that can be read, with their stored ids. */
  async all(): Promise<(SessionContent & { id: string })[]> {
    const keys = await this.storedIds();
    const sessions: (SessionContent & { id: string })[] = [];
    for (let at = 0; at < keys.length; at += pageSize) {
      const page = await Promise.all(keys.slice(at, at + pageSize).map((key) => this.#loadListed(key)));
      for (const session of page) if (session !== undefined) sessions.push(session);
    }
    return sessions;
  }

  /** Returns the key of a session. */
  storedId(id: string): string {
    return this.#settings.hashIds ? createHash("sha256").update(id).digest("base64url") : id;
  }

  async #create(key: string, session: object): Promise<void> {
    const createdAtMs = time.wallMs();
    const ttlMs = this.#ttlMs(session, createdAtMs);
    if (ttlMs <= 0) {
      await this.#store.delete(key);
      return;
    }
    const bytes = await this.#encode(session, createdAtMs);
    if (await this.#store.setIfAbsent(key, bytes, { expiresIn: ttlMs / 1_000 })) {
      attachVersion(session, { key, createdAtMs, bytes });
      return;
    }
    // The object was not loaded here, and there is such a session: it is replaced, as in all session stores.
    const found = await this.#find(key);
    if (found !== undefined) await this.#update(session, found.version);
  }

  async #update(session: object, { key, createdAtMs, bytes: loaded }: LoadedVersion): Promise<void> {
    const ttlMs = this.#ttlMs(session, createdAtMs);
    const bytes = await this.#encode(session, createdAtMs);
    // Frameworks save unchanged sessions to renew them: writing the loaded data would undo another request's change.
    if (ttlMs <= 0 || sameBytes(bytes, loaded)) {
      await this.#touch(key, ttlMs);
      return;
    }
    const options = { expiresIn: ttlMs / 1_000 };
    let current: Uint8Array | undefined = loaded;
    while (current !== undefined) {
      if (await this.#store.compareAndSet(key, current, bytes, options)) {
        attachVersion(session, { key, createdAtMs, bytes });
        return;
      }
      current = await this.#store.get(key);
    }
  }

  async #touch(key: string, ttlMs: number): Promise<void> {
    if (ttlMs > 0) await this.#store.touch(key, ttlMs / 1_000);
    else await this.#store.delete(key);
  }

  async #loadListed(key: string): Promise<(SessionContent & { id: string }) | undefined> {
    try {
      const found = await this.#find(key);
      return found && { ...withFreshExpiry(found.stored, time.wallMs()), id: key };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#settings.reportError(error);
      return undefined;
    }
  }

  async #find(key: string): Promise<{ stored: StoredSession; version: LoadedVersion } | undefined> {
    const bytes = await this.#store.get(key);
    if (bytes === undefined) return undefined;
    const stored = checkStoredSession(await this.#codec.decode("load", bytes));
    const { createdAt: createdAtMs } = stored;
    if (createdAtMs + this.#settings.absoluteMs > time.wallMs())
      return { stored, version: { key, createdAtMs, bytes } };
    // It was saved while the timeout was longer.
    await this.#store.compareAndDelete(key, bytes);
    return undefined;
  }

  /** Tells when a session that was not loaded here was created, where that matters. */
  async #createdAtMs(key: string): Promise<number | undefined> {
    if (this.#settings.absoluteMs === Number.POSITIVE_INFINITY) return 0;
    return (await this.#find(key))?.version.createdAtMs;
  }

  #ttlMs(session: object, createdAtMs: number): number {
    const { idleMs, absoluteMs } = this.#settings;
    const nowMs = time.wallMs();
    const ttlMs = Math.min(ttlOf(session, nowMs, idleMs), createdAtMs + absoluteMs - nowMs);
    return ttlMs === Number.POSITIVE_INFINITY ? ttlMs : capMs(ttlMs);
  }

  async #encode(session: object, createdAt: number): Promise<Uint8Array> {
    return bytesOf(
      await this.#codec.encode("save", { createdAt, session: toPlainSession(withoutVersionToken(session)) }),
    );
  }
}

/** Tells whether an entry is there that is not a session: it cannot be told whose it was, so it counts as ended. */
function isUnreadable(error: unknown): error is StoreError {
  return isStoreError(error, "KV_CORRUPT") || isStoreError(error, "KV_INVALID_VALUE");
}
