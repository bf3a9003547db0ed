import { ExpectationError } from "../../contract/expectation-error.ts";

const most = 100_000;

/**
 * Adds what a listing gives to `seen`, of entries the keys, until it ends. Rejects where the listing does, or where it goes on
 * for ever: what came before is in `seen`.
 */
export async function drain(listing: AsyncIterator<unknown>, seen: Set<unknown>): Promise<void> {
  for (let count = 0; count < most; count += 1) {
    const next = await listing.next();
    if (next.done === true) return;
    seen.add(Array.isArray(next.value) ? next.value[0] : next.value);
  }
  throw new ExpectationError("a listing that ends", `more than ${most} items`);
}
