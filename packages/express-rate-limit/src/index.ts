export {
  type Counted,
  type RateLimitStore,
  type RateLimitStoreOptions,
  rateLimitStore,
} from "./rate-limit-store.ts";
