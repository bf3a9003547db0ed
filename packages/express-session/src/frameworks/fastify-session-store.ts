import type { SessionStore } from "@fastify/session";
import type { StoreSource, StoreWith } from "@kv/core";
import { type SessionStoreOptions, sessionSettings } from "../sessions/options.ts";
import { sessionsIn } from "../sessions/sessions.ts";
import { type Callback, callBack } from "./callback.ts";

/**
 * Makes a store for @fastify/session: `app.register(fastifySession, { store: sessionStore(stores, ...), ... })`. It
 * needs no express-session installed, and otherwise does the same as that of the main entry.
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
      callBack(sessions.load(id), callback as Callback<unknown>, settings.reportError);
    },
    set(id, session, callback) {
      callBack(sessions.save(id, session), callback, settings.reportError);
    },
    destroy(id, callback) {
      callBack(sessions.destroy(id), callback, settings.reportError);
    },
  };
}
