import { inBackground } from "@kv/core/driver";

/**
 * Returns promises that are awaited later, as they are. One that rejects before that is handled, and not an unhandled rejection
 * that ends the process. (Calls on the stores of a case are handled by their recorder.)
 */
export function inFlight<T extends Promise<unknown> | readonly Promise<unknown>[]>(promises: T): T {
  inBackground(() => Promise.allSettled([promises].flat()));
  return promises;
}
