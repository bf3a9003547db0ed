import { withRenewal } from "@kv/core/driver";
import { cachePolicyOf } from "./cache-policy.ts";
import { type CacheStatus, sendCacheStatus } from "./cache-status.ts";
import type { Forwarded } from "./collapsed-request.ts";
import type { Lease, Lookup } from "./entries.ts";
import type { StoredResponse } from "./entry-format.ts";
import type { CacheExchange } from "./exchange.ts";
import { answerAndStore } from "./response-storing.ts";
import { conditionsOf, freshened, withConditions } from "./revalidation.ts";
import { answerOf } from "./stored-response.ts";

/** The statuses instead of which RFC 5861 (section 4) allows a stale response. */
const errorStatuses: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/**
 * Answers a request by the handler, or with a stale response where the handler fails and that one may be used instead.
 * Stores what the handler answered, as far as it may be stored.
 *
 * @param lease the right to store; none in an outage
 */
export async function fetchFromOrigin(
  exchange: CacheExchange,
  lease: Lease | undefined,
  stale: StoredResponse | undefined,
): Promise<Forwarded> {
  const { c, settings, entries } = exchange;
  await runHandler(exchange, lease, stale);
  const status = forwardStatus(lease?.lookup);
  const policy =
    c.error === undefined ? cachePolicyOf(c.res, settings.freshForMs, settings.now()) : undefined;
  if (policy !== undefined) {
    const completion = answerAndStore(exchange, lease, policy);
    sendCacheStatus(c, status);
    return { completion };
  }
  const isError = c.error !== undefined || errorStatuses.has(c.res.status);
  const staleIfError =
    isError && stale !== undefined && exchange.answerIfUsable(stale, stale.staleIfErrorMs)
      ? stale
      : undefined;
  if (staleIfError === undefined) sendCacheStatus(c, status);
  const written = exchange.tolerateOutage(
    lease && (staleIfError === undefined ? entries.storeHitForMiss(lease) : entries.releaseLease(lease)),
  );
  exchange.waitUntil(written);
  return { completion: Promise.resolve({ outcome: staleIfError ?? "forward", written }) };
}

/**
 * Runs the handler. Under a lock, which is renewed meanwhile, its response is for other requests too: it gets no
 * conditions of the client, but those that validate a stale response, which a 304 freshens.
 */
async function runHandler(
  exchange: CacheExchange,
  lease: Lease | undefined,
  stale: StoredResponse | undefined,
): Promise<void> {
  const { c, next, entries, settings } = exchange;
  if (lease?.lock === undefined) return next();
  const conditions = stale === undefined ? [] : conditionsOf(stale);
  const { raw } = c.req;
  c.req.raw = withConditions(raw, conditions);
  const renew = (): Promise<void> => exchange.tolerateOutage(entries.renewLease(lease));
  try {
    await withRenewal(settings.lockForMs / 3, renew, next);
  } catch (error) {
    exchange.waitUntil(exchange.tolerateOutage(entries.releaseLease(lease)));
    throw error;
  } finally {
    c.req.raw = raw;
  }
  if (stale === undefined || conditions.length === 0 || c.error !== undefined || c.res.status !== 304) return;
  const nowMs = settings.now();
  // A response that cannot be freshened is answered with its age, and too old to be stored.
  exchange.replaceResponse(
    freshened(stale, c.res.headers, nowMs) ?? answerOf(stale, new Headers(), exchange.outerHeaders, nowMs),
  );
}

function forwardStatus(lookup: Lookup | undefined): CacheStatus {
  if (lookup?.entry?.kind === "response") return "fwd=stale";
  return lookup?.varyIndex === undefined ? "fwd=uri-miss" : "fwd=vary-miss";
}
