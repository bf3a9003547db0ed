import { createHash } from "node:crypto";
import { findStore, isStoreError, type StoreError, type StoreSource, type StoreWith } from "@kv/core";
import { type BoundCodec, boundCodec, bytesOf, capMs, KeyedQueue, sameBytes } from "@kv/core/driver";
import type { SessionSettings } from "./options.ts";
import {
  checkStoredSession,
  contentOf,
  lifeOf,
  revived,
  type SessionContent,
  type StoredSession,
} from "./stored-session.ts";
import { rememberTrace, type Trace, traceOf, withCarrier, withoutCarrier } from "./trace.ts";

type SessionsStore = StoreWith<"atomic" | "listing">;

/** How many sessions `all` reads at a time. */
const pageSize = 500;

/** @throws TypeError for a store that lacks what sessions need */
export function sessionsIn(source: StoreSource<SessionsStore>, settings: SessionSettings): Sessions {
  const { name } = settings;
  const store = findStore(source, { name, capabilities: ["atomic", "listing"], purpose: "A session store" });
  return new Sessions(store, settings);
}

/**
 * Sessions in a store, by their ids: what the stores of the frameworks have in common. Saves, renewals and destroys of a
 * session take effect in the order in which they are called here.
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

  /** The session of that id, `undefined` where there is none or it is over. */
  async load(id: string): Promise<SessionContent | undefined> {
    const { onOutage, tell } = this.#settings;
    try {
      const found = await this.#find(this.storedId(id));
      return found && withCarrier(revived(found.stored, Date.now()), found.trace);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (!isUnreadable(error) && onOutage === "refuse") throw error;
      tell(error);
      return undefined;
    }
  }

  /**
   * Saves a session. One that was loaded is written only where its entry still is, and only when it has changed; what
   * was destroyed or has expired meanwhile stays so, and that is no error. Of two saves at a time the last one counts.
   */
  async save(id: string, session: object): Promise<void> {
    const key = this.storedId(id);
    await this.#queue.run(key, async () => {
      const trace = traceOf(session, key);
      if (trace === undefined) await this.#create(key, session);
      else await this.#change(session, trace);
    });
  }

  /** Moves the expiry, without reading or writing the session. */
  async renew(id: string, session: object): Promise<void> {
    const key = this.storedId(id);
    await this.#queue.run(key, async () => {
      const createdAtMs = traceOf(session, key)?.createdAtMs ?? (await this.#createdAtMs(key));
      if (createdAtMs !== undefined) await this.#touch(key, this.#lifeMs(session, createdAtMs));
    });
  }

  async end(id: string): Promise<void> {
    await this.endStored(this.storedId(id));
  }

  async endStored(storedId: string): Promise<void> {
    await this.#queue.run(storedId, () => this.#store.delete(storedId));
  }

  async endAll(): Promise<void> {
    await this.#queue.runAlone(() => this.#store.deleteAll());
  }

  /** The keys of all sessions, each once. */
  async storedIds(): Promise<string[]> {
    const keys = new Set<string>();
    for await (const key of this.#store.keys()) keys.add(key);
    return [...keys];
  }

  async count(): Promise<number> {
    return (await this.storedIds()).length;
  }

  /** All sessions that can be read, with their stored ids. */
  async all(): Promise<(SessionContent & { id: string })[]> {
    const keys = await this.storedIds();
    const sessions: (SessionContent & { id: string })[] = [];
    for (let at = 0; at < keys.length; at += pageSize) {
      const page = await Promise.all(keys.slice(at, at + pageSize).map((key) => this.#readable(key)));
      for (const session of page) if (session !== undefined) sessions.push(session);
    }
    return sessions;
  }

  /** The key under which a session is kept. */
  storedId(id: string): string {
    return this.#settings.hashIds ? createHash("sha256").update(id).digest("base64url") : id;
  }

  async #create(key: string, session: object): Promise<void> {
    const createdAtMs = Date.now();
    const lifeMs = this.#lifeMs(session, createdAtMs);
    if (lifeMs <= 0) {
      await this.#store.delete(key);
      return;
    }
    const bytes = await this.#encode(session, createdAtMs);
    if (await this.#store.setIfAbsent(key, bytes, { expiresIn: lifeMs / 1_000 })) {
      rememberTrace(session, { key, createdAtMs, bytes });
      return;
    }
    // Someone else's object for a session that is there: it replaces that, as all stores of sessions have it.
    const found = await this.#find(key);
    if (found !== undefined) await this.#change(session, found.trace);
  }

  async #change(session: object, { key, createdAtMs, bytes: loaded }: Trace): Promise<void> {
    const lifeMs = this.#lifeMs(session, createdAtMs);
    const bytes = await this.#encode(session, createdAtMs);
    // Frameworks save unchanged sessions to renew them: writing what was loaded would undo another request's change.
    if (lifeMs <= 0 || sameBytes(bytes, loaded)) {
      await this.#touch(key, lifeMs);
      return;
    }
    const options = { expiresIn: lifeMs / 1_000 };
    let there: Uint8Array | undefined = loaded;
    while (there !== undefined) {
      if (await this.#store.compareAndSet(key, there, bytes, options)) {
        rememberTrace(session, { key, createdAtMs, bytes });
        return;
      }
      there = await this.#store.get(key);
    }
  }

  async #touch(key: string, lifeMs: number): Promise<void> {
    if (lifeMs > 0) await this.#store.touch(key, lifeMs / 1_000);
    else await this.#store.delete(key);
  }

  async #readable(key: string): Promise<(SessionContent & { id: string }) | undefined> {
    try {
      const found = await this.#find(key);
      return found && { ...revived(found.stored, Date.now()), id: key };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#settings.tell(error);
      return undefined;
    }
  }

  async #find(key: string): Promise<{ stored: StoredSession; trace: Trace } | undefined> {
    const bytes = await this.#store.get(key);
    if (bytes === undefined) return undefined;
    const stored = checkStoredSession(await this.#codec.decode("load", bytes));
    const { createdAt: createdAtMs } = stored;
    if (createdAtMs + this.#settings.absoluteMs > Date.now())
      return { stored, trace: { key, createdAtMs, bytes } };
    // It was saved while the timeout was longer.
    await this.#store.compareAndDelete(key, bytes);
    return undefined;
  }

  /** When a session that was not loaded here began: only asked for where it matters. */
  async #createdAtMs(key: string): Promise<number | undefined> {
    if (this.#settings.absoluteMs === Number.POSITIVE_INFINITY) return 0;
    return (await this.#find(key))?.trace.createdAtMs;
  }

  #lifeMs(session: object, createdAtMs: number): number {
    const { idleMs, absoluteMs } = this.#settings;
    const nowMs = Date.now();
    const lifeMs = Math.min(lifeOf(session, nowMs, idleMs), createdAtMs + absoluteMs - nowMs);
    return lifeMs === Number.POSITIVE_INFINITY ? lifeMs : capMs(lifeMs);
  }

  async #encode(session: object, createdAt: number): Promise<Uint8Array> {
    return bytesOf(
      await this.#codec.encode("save", { createdAt, session: contentOf(withoutCarrier(session)) }),
    );
  }
}

/** Whether an entry is there and is no session: it cannot be told whose it was, so it counts as over. */
function isUnreadable(error: unknown): error is StoreError {
  return isStoreError(error, "KV_CORRUPT") || isStoreError(error, "KV_INVALID_VALUE");
}
