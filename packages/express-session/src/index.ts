export type { Callback } from "./frameworks/callback.ts";
export { type ListedSession, type SessionStore, sessionStore } from "./frameworks/session-store.ts";
export type { SessionStoreOptions } from "./sessions/options.ts";
export type { CookieContent, SessionContent, StoredSession } from "./sessions/stored-session.ts";
