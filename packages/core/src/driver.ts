export { type Answer, after } from "./concurrency/answer.ts";
export { Backoff } from "./concurrency/backoff.ts";
export { Interval } from "./concurrency/interval.ts";
export { KeyedQueue } from "./concurrency/keyed-queue.ts";
export { withRenewal } from "./concurrency/renewal.ts";
export { requestsSharePromises, singleFlight } from "./concurrency/single-flight.ts";
export { forEachYielding, TimeSlice } from "./concurrency/time-slice.ts";
export type {
  AtomicDriverNamespace,
  BatchDriverNamespace,
  Driver,
  DriverNamespace,
  DriverValue,
  ExpirableDriverNamespace,
  Expiry,
  Explanation,
  FullDriverNamespace,
  ListableDriverNamespace,
} from "./driver/driver.ts";
export {
  checkEntries,
  checkExpiresIn,
  checkExpiry,
  checkIncrement,
  checkKey,
  checkKeys,
  checkName,
  checkOptions,
  checkPrefix,
  checkRenewFor,
  checkValue,
} from "./driver/validation.ts";
export { nextBatchLength } from "./portable-store/listing.ts";
export { createStore, type StoreOptions, type StoreOver } from "./portable-store/portable-store.ts";
export { nearest } from "./registry/nearest.ts";
export { guarded, inBackground, orWarn } from "./time/background.ts";
export { capMs, durationMs } from "./time/duration.ts";
export { longestTimerMs, type Time, type Timer, time, unref } from "./time/time.ts";
export { settlesWithin, sleep, yieldToEventLoop } from "./time/wait.ts";
export { bytesOf, copyOf, sameBytes, utf8 } from "./values/bytes.ts";
export { lenientJson } from "./values/codec.ts";
export { addToInteger } from "./values/decimal-integer.ts";
export { type BoundCodec, boundCodec } from "./views/bound-codec.ts";
