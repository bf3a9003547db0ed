import type { Bytes } from "@kv/core";
import { ExpectationError } from "../contract/expectation-error.ts";

const most = 100_000;

/** All that a listing gives, each once. A listing that goes on for ever is broken off. */
export async function collect(listing: AsyncIterable<string>): Promise<string[]> {
  const items = new Set<string>();
  for await (const item of thatEnds(listing)) items.add(item);
  return [...items];
}

/** The same of entries: of a key that comes twice the later value. */
export async function collectEntries(
  listing: AsyncIterable<readonly [key: string, value: Bytes]>,
): Promise<Map<string, Bytes>> {
  const entries = new Map<string, Bytes>();
  for await (const [key, value] of thatEnds(listing)) entries.set(key, value);
  return entries;
}

async function* thatEnds<T>(listing: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  let count = 0;
  for await (const item of listing) {
    yield item;
    count += 1;
    if (count > most) throw new ExpectationError("a listing that ends", `more than ${most} items`);
  }
}
