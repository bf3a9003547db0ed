import type { SessionStore } from "@fastify/session";
import type { StoreSource, StoreWith } from "@kv/core";
import { answer, type Callback } from "./callback.ts";
import { type SessionStoreOptions, sessionSettings } from "./options.ts";
import { sessionsIn } from "./sessions.ts";

/**
 * A store for @fastify/session: `app.register(fastifySession, { store: sessionStore(stores, ...), ... })`. Needs no
 * express-session installed; otherwise it does what that of the main entry does.
 *
 * @throws TypeError for a store without atomic steps or listings, and for options that do not fit
 */
export function sessionStore(
  source: StoreSource<StoreWith<"atomic" | "listing">>,
  options: SessionStoreOptions,
): SessionStore {
  const settings = sessionSettings(options);
  const sessions = sessionsIn(source, settings);
  return {
    get(id, callback) {
      answer(sessions.load(id), callback as Callback<unknown>, settings.tell);
    },
    set(id, session, callback) {
      answer(sessions.save(id, session), callback, settings.tell);
    },
    destroy(id, callback) {
      answer(sessions.end(id), callback, settings.tell);
    },
  };
}
