import type { StoreSource, StoreWith } from "@kv/core";
import { type Session, type SessionData, Store } from "express-session";
import { inheritVersion, withoutVersionToken } from "../sessions/loaded-version.ts";
import { type SessionSettings, type SessionStoreOptions, sessionSettings } from "../sessions/options.ts";
import { type Sessions, sessionsIn } from "../sessions/sessions.ts";
import { type Callback, callBack } from "./callback.ts";
import { keepMaxAgeExact } from "./exact-max-age.ts";

/** A session in the list that `all` gives. */
export type ListedSession = SessionData & {
  /** Its stored id. */
  readonly id: string;
};

/**
 * Makes a store for express-session: `session({ store: sessionStore(stores, { onOutage: "refuse" }), ... })`.
 *
 * @throws TypeError for a store without atomic steps or listings, and for options that do not fit
 *
 * @example
 * ```ts
 * import { sessionStore } from "@kv/express-session";
 * import { memoryStore } from "@kv/memory";
 * import express from "express";
 * import session from "express-session";
 *
 * const app = express();
 * const store = sessionStore(memoryStore(), { onOutage: "refuse" });
 * app.use(session({ store, secret: "a long secret", resave: false, saveUninitialized: false }));
 * ```
 */
export function sessionStore(
  source: StoreSource<StoreWith<"atomic" | "listing">>,
  options: SessionStoreOptions,
): SessionStore {
  const settings = sessionSettings(options);
  return new SessionStore(sessionsIn(source, settings), settings);
}

/** A store for express-session. Each method calls back once, and never before it returns. */
export class SessionStore extends Store {
  readonly #sessions: Sessions;
  readonly #settings: SessionSettings;

  constructor(sessions: Sessions, settings: SessionSettings) {
    super();
    this.#sessions = sessions;
    this.#settings = settings;
  }

  /** Loads a session; `undefined` where there is none, or it has ended. */
  override get(id: string, callback: Callback<SessionData | null | undefined>): void {
    this.#callBack(this.#sessions.load(id) as Promise<SessionData | undefined>, callback);
  }

  /**
   * Saves a session. One that express-session loaded is written only if it is still there, so one that was destroyed
   * meanwhile stays so; an unchanged one is only renewed.
   */
  override set(id: string, session: SessionData, callback?: Callback<void>): void {
    this.#callBack(this.#sessions.save(id, session), callback);
  }

  /** Renews a session, without reading or writing it. */
  override touch(id: string, session: SessionData, callback?: Callback<void>): void {
    this.#callBack(this.#sessions.renew(id, session), callback);
  }

  override destroy(id: string, callback?: Callback<void>): void {
    this.#callBack(this.#sessions.destroy(id), callback);
  }

  /** Destroys the session of a stored id, as `ids` and `all` give them. */
  destroyStored(storedId: string, callback?: Callback<void>): void {
    this.#callBack(this.#sessions.destroyStored(storedId), callback);
  }

  /** Destroys all sessions: empties the store, and the namespaces below it. */
  override clear(callback?: Callback<void>): void {
    this.#callBack(this.#sessions.destroyAll(), callback);
  }

  override length(callback: Callback<number>): void {
    this.#callBack(this.#sessions.count(), callback);
  }

  /** Lists the stored ids: hashes of the ids that browsers have, unless `hashIds` is `false`. */
  ids(callback: Callback<string[]>): void {
    this.#callBack(this.#sessions.storedIds(), callback);
  }

  /** Loads all sessions, each with its stored id. */
  override all(callback: Callback<ListedSession[]>): void {
    this.#callBack(this.#sessions.all() as Promise<unknown[]> as Promise<ListedSession[]>, callback);
  }

  /** Returns the stored id of a session's id. */
  storedId(id: string): string {
    return this.#sessions.storedId(id);
  }

  override createSession(
    request: Parameters<Store["createSession"]>[0],
    loaded: SessionData,
  ): Session & SessionData {
    const session = super.createSession(request, withoutVersionToken(loaded));
    keepMaxAgeExact(session.cookie);
    inheritVersion(loaded, session);
    return session;
  }

  #callBack<T>(result: Promise<T>, callback: Callback<T> | undefined): void {
    callBack(result, callback, this.#settings.reportError);
  }
}
