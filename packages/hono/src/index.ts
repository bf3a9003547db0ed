export { type ClientAddressOptions, clientAddress, type GetClientAddress } from "./client-address.ts";
export type { StoreErrorListener } from "./outage.ts";
export { type RateLimitEnv, type RateLimitOptions, rateLimit } from "./rate-limit.ts";
export type { RateLimitState } from "./rate-limit-response.ts";
export { type ResponseCacheOptions, responseCache } from "./response-cache.ts";
export { type Session, SessionEndedError } from "./session.ts";
export type { SessionCookieOptions } from "./session-cookie.ts";
export { type SessionEnv, type SessionsOptions, sessions } from "./sessions.ts";
