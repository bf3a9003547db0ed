export { type ResponseCacheOptions, responseCache } from "./cache/middleware.ts";
export {
  type ClientAddressOptions,
  clientAddress,
  type GetClientAddress,
} from "./rate-limit/client-address.ts";
export { type RateLimitEnv, type RateLimitOptions, rateLimit } from "./rate-limit/middleware.ts";
export type { RateLimitState } from "./rate-limit/response.ts";
export type { SessionCookieOptions } from "./sessions/cookie.ts";
export { type SessionEnv, type SessionsOptions, sessions } from "./sessions/middleware.ts";
export { type Session, SessionEndedError } from "./sessions/session.ts";
export type { StoreErrorListener } from "./shared/store-outage.ts";
