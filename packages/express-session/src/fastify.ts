export { sessionStore } from "./fastify-session-store.ts";
export type { SessionStoreOptions } from "./options.ts";
export type { CookieContent, SessionContent, StoredSession } from "./stored-session.ts";
