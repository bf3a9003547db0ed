export type { Callback } from "./callback.ts";
export type { SessionStoreOptions } from "./options.ts";
export { type ListedSession, type SessionStore, sessionStore } from "./session-store.ts";
export type { CookieContent, SessionContent, StoredSession } from "./stored-session.ts";
