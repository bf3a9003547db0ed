import { inBackground } from "../time/background.ts";

/**
 * Does the work on a key once: whoever asks while it is in flight gets the same promise. What fails is not kept, so
 * the next call tries again. Whoever deletes the key from `inFlight` forgets the work: the next call begins it again.
 *
 * On Cloudflare Workers, where a request may not wait for a promise of another, everybody does the work alone.
 *
 * @param inFlight The work in flight, by key.
 * @param sharedUntil Gives a promise until which a result is shared with further calls; must not throw. Default: not at all.
 */
export function singleFlight<T>(
  inFlight: Map<string, Promise<T>>,
  key: string,
  work: () => Promise<T>,
  sharedUntil?: (result: T) => Promise<unknown> | undefined,
): Promise<T> {
  if (!requestsSharePromises()) return work();
  const other = inFlight.get(key);
  if (other !== undefined) return other;
  const result = work();
  inFlight.set(key, result);
  const forget = (): void => {
    if (inFlight.get(key) === result) inFlight.delete(key);
  };
  const forgetLater = (value: T): void | Promise<void> => {
    const end = sharedUntil?.(value);
    return end === undefined ? forget() : end.then(forget, forget);
  };
  inBackground(() => result.then(forgetLater, forget));
  return result;
}

/** Tells whether a request may wait for a promise of another one in this runtime. */
export function requestsSharePromises(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };
  return navigator?.userAgent !== "Cloudflare-Workers";
}
