import type { CallAnswer, StoreCall } from "../model/store-call.ts";

/** One call of a history on one namespace: who made it, between which two moments it was in flight, and what became of it. */
export interface HistoryEntry {
  /**
   * The number of who made the call: calls of one caller take effect on a key in the order in which they were made. That of the handle,
   * to hold S6 against the store; else that of whoever waits for each call before the next.
   */
  readonly caller: number;
  /** The call. */
  readonly call: StoreCall;
  /**
   * The answer, or what the error said: `"not done"`, that the call did not and will not take effect; `"unknown"`, that it may
   * do so at any moment after its start, or never. A call that has not settled is `"unknown"` too.
   */
  readonly outcome: CallAnswer | "not done" | "unknown";
  /** The moment before the call was made, in milliseconds by one monotonic clock for the whole history. Those of a caller differ. */
  readonly startedAt: number;
  /** The moment after it settled. Where the two moments of different calls are the same, the calls count as concurrent. */
  readonly endedAt: number;
}
