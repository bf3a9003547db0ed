export { sessionStore } from "./frameworks/fastify-session-store.ts";
export type { SessionStoreOptions } from "./sessions/options.ts";
export type { CookieContent, SessionContent, StoredSession } from "./sessions/stored-session.ts";
