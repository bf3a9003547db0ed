export {
  type Counted,
  type RateLimitStore,
  type RateLimitStoreOptions,
  rateLimitStore,
} from "./store/rate-limit-store.ts";
