import { inBackground } from "@kv/core/driver";
import type { CachePolicy } from "./cache-policy.ts";
import type { Completion } from "./collapsed-request.ts";
import { isNotModified } from "./conditional-request.ts";
import type { Lease } from "./entries.ts";
import type { CacheExchange } from "./exchange.ts";
import { collectBody } from "./read-body.ts";
import { notModified, storedResponse } from "./stored-response.ts";

/** Answers with the handler's response as its body comes, and stores it once all of the body has come. */
export function answerAndStore(
  exchange: CacheExchange,
  lease: Lease | undefined,
  policy: CachePolicy,
): Promise<Completion> {
  const { requestHeaders, outerHeaders, settings } = exchange;
  const response = exchange.c.res;
  const { status, headers } = response;
  const [forClient, forStore] = response.body?.tee() ?? [null, null];
  const completion = storeResponse(exchange, lease, policy, response, forStore);
  exchange.waitUntil(completion.then(({ written }) => written));
  if (status === 200 && isNotModified(requestHeaders, headers, settings.now())) {
    inBackground(() => forClient?.cancel());
    exchange.replaceResponse(notModified(headers, outerHeaders));
  } else exchange.replaceResponse(new Response(forClient, { status, headers }));
  return completion;
}

async function storeResponse(
  exchange: CacheExchange,
  lease: Lease | undefined,
  policy: CachePolicy,
  response: Response,
  stream: ReadableStream<Uint8Array> | null,
): Promise<Completion> {
  const { entries, settings, requestHeaders, outerHeaders } = exchange;
  try {
    const body = await collectBody(stream, settings.maxBodyBytes, settings.lockForMs);
    if (body === undefined) {
      const written = orRelease(exchange, lease, lease && entries.storeHitForMiss(lease));
      return { outcome: "forward", written };
    }
    const stored = storedResponse(response, body, policy, outerHeaders, settings.now());
    const written = orRelease(
      exchange,
      lease,
      lease && entries.store(lease, stored, policy.vary, requestHeaders),
    );
    const known = lease?.lookup.varyIndex?.vary ?? [];
    if (policy.vary.every((name) => known.includes(name))) return { outcome: stored, written };
    // The requests that were collapsed may have other headers, on which the response turns out to depend.
    await written;
    return { outcome: lease === undefined ? "forward" : "retry", written };
  } catch (error) {
    const written = release(exchange, lease).then(() => Promise.reject(error));
    return { outcome: "forward", written };
  }
}

/** Waits for a write, and gives the lease up if that fails. */
async function orRelease(
  exchange: CacheExchange,
  lease: Lease | undefined,
  write: Promise<unknown> | undefined,
): Promise<void> {
  try {
    await exchange.tolerateOutage(write);
  } catch (error) {
    await release(exchange, lease);
    throw error;
  }
}

/** Gives the lease up: nobody waits any longer, here or in another process. */
function release(exchange: CacheExchange, lease: Lease | undefined): Promise<void> {
  return exchange.tolerateOutage(lease && exchange.entries.releaseLease(lease));
}
