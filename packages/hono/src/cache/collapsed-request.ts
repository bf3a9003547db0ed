import type { StoredResponse } from "./entry-format.ts";

/**
 * The outcome for requests that were collapsed into another one (RFC 9211, section 2.5): the response to answer with,
 * or to look the URL up again (the response lies elsewhere, or another process has it), or to go to the handler, all of
 * them concurrently.
 */
export type CollapsedOutcome = StoredResponse | "retry" | "forward";

/** The end of a request that went to the handler, after its answer. */
export interface Completion {
  readonly outcome: CollapsedOutcome;
  /** Settles once the outcome stands in the store: until then, requests that come are collapsed too. */
  readonly written: Promise<void>;
}

/** A request that went to the handler and has its answer. */
export interface Forwarded {
  readonly completion: Promise<Completion>;
}

/** The requests of this process that others are collapsed into, by key; `undefined` where another process answers. */
export type RequestsInFlight = Map<string, Promise<Forwarded | undefined>>;
