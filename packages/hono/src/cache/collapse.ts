import { Backoff, singleFlight } from "@kv/core/driver";
import { urlKey } from "./cache-key.ts";
import type { CollapsedOutcome, Forwarded } from "./collapsed-request.ts";
import type { Lease, Lookup } from "./entries.ts";
import type { StoredResponse } from "./entry-format.ts";
import type { CacheExchange } from "./exchange.ts";
import { fetchFromOrigin } from "./origin.ts";

/**
 * Collapses requests that want the same response: one at a time goes to the handler, across all processes that share
 * the store.
 *
 * @param lookup `undefined` in an outage: requests are still collapsed within this process
 * @returns `answered` for a request that went to the handler, or was answered with a stale response meanwhile; for the
 *   others what they do now
 */
export async function collapse(
  exchange: CacheExchange,
  lookup: Lookup | undefined,
  stale: StoredResponse | undefined,
): Promise<CollapsedOutcome | "answered"> {
  const { inFlight } = exchange.settings;
  const key = lookup?.key ?? urlKey(exchange.url);
  if (inFlight.has(key) && answerWhileRevalidating(exchange, stale)) return "answered";

  let isLeader = false;
  const flight = singleFlight(
    inFlight,
    key,
    () => {
      isLeader = true;
      return lead(exchange, lookup, stale);
    },
    (forwarded) => forwarded?.completion.then(({ written }) => written),
  );
  try {
    const forwarded = await flight;
    if (forwarded === undefined) return answerWhileRevalidating(exchange, stale) ? "answered" : "retry";
    return isLeader ? "answered" : (await forwarded.completion).outcome;
  } catch (error) {
    if (isLeader) throw error;
    return "retry"; // it may fail for this request, too, or not
  }
}

/**
 * Goes to the handler on behalf of all requests for the response; resolves with `undefined` where another process does.
 */
async function lead(
  exchange: CacheExchange,
  lookup: Lookup | undefined,
  stale: StoredResponse | undefined,
): Promise<Forwarded | undefined> {
  const lease = lookup && (await exchange.unlessOutage(acquireOrWait(exchange, lookup, stale)));
  if (lease === "elsewhere") return undefined;
  return fetchFromOrigin(exchange, lease, stale);
}

/**
 * Acquires the lease. Where another process has it, waits until that one is done, but not if a stale response may be
 * used meanwhile.
 */
async function acquireOrWait(
  exchange: CacheExchange,
  lookup: Lookup,
  stale: StoredResponse | undefined,
): Promise<Lease | "elsewhere"> {
  const { entries } = exchange;
  const lease = lookup.entry?.kind === "pending" ? undefined : await entries.acquireLease(lookup);
  if (lease !== undefined) return lease;
  if (stale !== undefined && exchange.isUsable(stale, stale.staleWhileRevalidateMs)) return "elsewhere";
  const backoff = new Backoff();
  do await backoff.wait();
  while (await entries.isPending(lookup));
  return "elsewhere";
}

function answerWhileRevalidating(exchange: CacheExchange, stale: StoredResponse | undefined): boolean {
  return stale !== undefined && exchange.answerIfUsable(stale, stale.staleWhileRevalidateMs);
}
