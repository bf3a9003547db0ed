import type { Context } from "hono";

// The headers and the problem type of draft-ietf-httpapi-ratelimit-headers-11.

/** The state of a limit after a request was counted. */
export interface RateLimitState {
  /** The name of the limit. */
  readonly policy: string;
  /** The number of requests that pass in a window. */
  readonly limit: number;
  /** The number of requests that still pass in this window. */
  readonly remaining: number;
  /** The seconds until the window ends, with fractions. */
  readonly resetsIn: number;
}

/** Checks the name of a policy, which is a String of RFC 9651: printable ASCII. */
export function checkPolicyName(policy: string): void {
  if (typeof policy === "string" && /^[\x20-\x7e]+$/.test(policy)) return;
  throw new TypeError("policy must be text of printable ASCII characters: clients see it in a header.");
}

/** Makes the answer to a request beyond the limit (section 5.1). */
export function quotaExceeded(policy: string): Response {
  const problem = {
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Too many requests",
    status: 429,
    "violated-policies": [policy],
  };
  return new Response(JSON.stringify(problem), {
    status: 429,
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store" },
  });
}

/** Adds the state of a limit to the headers: several limits on one route each add an item. */
export function sendLimit(c: Context, state: RateLimitState, windowMs: number): void {
  const { policy, limit, remaining } = state;
  const item = `"${policy.replaceAll(/["\\]/g, "\\$&")}"`;
  c.header("RateLimit-Policy", `${item};q=${limit};w=${Math.ceil(windowMs / 1000)}`, { append: true });
  c.header("RateLimit", `${item};r=${remaining};t=${wholeSeconds(state)}`, { append: true });
}

/** Sets `Retry-After`, not earlier than the end of the window (section 6). */
export function sendRetryAfter(c: Context, state: RateLimitState): void {
  c.header("Retry-After", String(wholeSeconds(state)));
}

function wholeSeconds({ resetsIn }: RateLimitState): number {
  return Math.max(1, Math.ceil(resetsIn));
}
