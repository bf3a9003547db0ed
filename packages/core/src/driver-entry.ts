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
} from "./arguments.ts";
export { guarded, inBackground, orWarn } from "./background.ts";
export { type BoundCodec, boundCodec } from "./bound-codec.ts";
export { bytesOf, copyOf, sameBytes, utf8 } from "./bytes.ts";
export { lenientJson } from "./codec.ts";
export type {
  Answer,
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
} from "./driver.ts";
export { capMs, durationMs, longestTimerMs } from "./duration.ts";
export { addToInteger } from "./integer.ts";
export { KeyedQueue } from "./keyed-queue.ts";
export { nextBatchLength } from "./listing.ts";
export { nearest } from "./nearest.ts";
export { createStore, type StoreOptions, type StoreOver } from "./portable-store.ts";
