import type { StoreSource, StoreWith } from "@kv/core";
import { answer, type Callback } from "./callback.ts";
import { type SessionStoreOptions, sessionSettings } from "./options.ts";
import { sessionsIn } from "./sessions.ts";
import type { SessionContent } from "./stored-session.ts";

/** What @fastify/session asks of a store. */
export interface FastifySessionStore {
  get(id: string, callback: Callback<SessionContent | null | undefined>): void;
  set(id: string, session: object, callback: Callback<void>): void;
  destroy(id: string, callback: Callback<void>): void;
}

/**
 * A store for @fastify/session, which needs no express-session installed. Otherwise that of the main entry, which
 * does for both.
 *
 * @throws TypeError for a store without atomic steps or listings, and for options that do not fit
 */
export function sessionStore(
  source: StoreSource<StoreWith<"atomic" | "listing">>,
  options: SessionStoreOptions,
): FastifySessionStore {
  const settings = sessionSettings(options);
  const sessions = sessionsIn(source, settings);
  return {
    get(id, callback) {
      answer(sessions.load(id), callback, settings.tell);
    },
    set(id, session, callback) {
      answer(sessions.save(id, session), callback, settings.tell);
    },
    destroy(id, callback) {
      answer(sessions.end(id), callback, settings.tell);
    },
  };
}
