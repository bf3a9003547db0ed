import { isKeyOf } from "./cache-key.ts";
import { collapse } from "./collapse.ts";
import type { Lookup } from "./entries.ts";
import type { CacheExchange } from "./exchange.ts";
import { fetchFromOrigin } from "./origin.ts";

/** The number of attempts to answer a request together with others, before it goes to the handler by itself. */
const maxAttempts = 5;

/** Answers a GET: from the store, with the response of another request, or by the handler. */
export async function handleGet(exchange: CacheExchange): Promise<void> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const outcome = await tryToAnswer(exchange);
    if (outcome === "answered") return;
    if (outcome === "forward") break;
  }
  await exchange.forward("fwd=uri-miss");
}

/** Answers a HEAD from what GET stored. The handler's own answer is never stored, for it has no body. */
export async function handleHead(exchange: CacheExchange): Promise<void> {
  const lookup = await lookUp(exchange);
  if (lookup?.entry?.kind === "response" && exchange.answerIfUsable(lookup.entry, 0)) return;
  await exchange.forward("fwd=uri-miss");
}

/** Removes the responses of a URL after an unsafe request has changed it (RFC 9111, section 4.4). */
export async function invalidate(exchange: CacheExchange): Promise<void> {
  const { url, entries, settings } = exchange;
  // What is in flight may be from before the change: requests that come from now on do not wait for it.
  for (const key of settings.inFlight.keys()) if (isKeyOf(url, key)) settings.inFlight.delete(key);
  await exchange.tolerateOutage(entries.invalidate(url));
}

async function tryToAnswer(exchange: CacheExchange): Promise<"answered" | "retry" | "forward"> {
  const lookup = await lookUp(exchange);
  const entry = lookup?.entry;
  const stored = entry?.kind === "response" ? entry : undefined;
  if (stored !== undefined && exchange.answerIfUsable(stored, 0)) return "answered";
  if (lookup !== undefined && entry?.kind === "pass") {
    await fetchFromOrigin(exchange, await exchange.entries.acquireLease(lookup), undefined);
    return "answered";
  }
  const outcome = await collapse(exchange, lookup, stored);
  if (typeof outcome === "string") return outcome;
  // A stale response that is used instead of an error may have become too old meanwhile.
  if (!exchange.isUsable(outcome, outcome.staleIfErrorMs)) return "retry";
  exchange.answer(outcome, "fwd=uri-miss; collapsed");
  return "answered";
}

function lookUp(exchange: CacheExchange): Promise<Lookup | undefined> {
  return exchange.unlessOutage(exchange.entries.lookUp(exchange.url, exchange.requestHeaders));
}
