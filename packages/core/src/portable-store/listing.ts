import type { Answer } from "../concurrency/answer.ts";
import { isStoreError } from "../errors/store-error.ts";
import type { Bytes } from "../values/bytes.ts";
import type { CallTracker } from "./call-tracker.ts";

/** A listing as the driver gives it. */
export interface Listing {
  readonly pages: AsyncIterable<readonly string[]>;
  /** Only items that begin with this are wanted. */
  readonly prefix: string;
}

/**
 * Lists the items of a driver's pages. Fetching a page is a call like any other: refused once the store is closed, counted,
 * its errors wrapped. Between pages nothing is in flight, so a paused listing does not hold up `close` (L2).
 */
export async function* flattenPages(
  calls: CallTracker,
  operation: string,
  open: () => Listing,
): AsyncGenerator<string, void, undefined> {
  for await (const page of pagesOf(calls, operation, open)) {
    for (const item of page) {
      yield item;
      calls.assertOpen(operation);
    }
  }
}

/** Lists keys with their values, which are read some at a time. Damaged entries are reported after all others. */
export async function* entryListing(
  calls: CallTracker,
  open: () => Listing,
  get: (key: string) => Answer<Bytes | undefined>,
): AsyncGenerator<[string, Bytes], void, undefined> {
  const operation = "entries";
  const damage: unknown[] = [];
  const read = async (key: string): Promise<Bytes | undefined> => {
    try {
      return await get(key);
    } catch (error) {
      if (!isStoreError(error, "KV_CORRUPT")) throw error;
      damage.push(error);
      return undefined;
    }
  };
  let length = 1;
  for await (const page of pagesOf(calls, operation, open)) {
    for (let at = 0; at < page.length; ) {
      const keys = page.slice(at, at + length);
      at += keys.length;
      const values = await Promise.all(keys.map(read));
      let bytes = 0;
      for (const [index, key] of keys.entries()) {
        const value = values[index];
        if (value === undefined) continue;
        bytes += value.length;
        yield [key, value];
        calls.assertOpen(operation);
      }
      length = nextBatchLength(keys.length, bytes);
    }
  }
  if (damage.length > 0) throw damage[0];
}

const batchBytes = 4 * 1024 * 1024;
const longestBatch = 512;

/**
 * Returns how many values to read next, after so many that had so many bytes: as many as make up some megabytes by what is known,
 * and at most twice as many, for sizes are not known before.
 */
export function nextBatchLength(length: number, bytes: number): number {
  const fitting = Math.floor((length * batchBytes) / Math.max(bytes, 1));
  return Math.max(1, Math.min(fitting, length * 2, longestBatch));
}

async function* pagesOf(
  calls: CallTracker,
  operation: string,
  open: () => Listing,
): AsyncGenerator<readonly string[], void, undefined> {
  const begin = calls.method(operation, open, ({ pages, prefix: wanted }) => ({
    iterator: pages[Symbol.asyncIterator](),
    prefix: wanted,
  }));
  const { iterator, prefix } = await begin();
  const next = calls.method(operation, () => iterator.next());
  try {
    while (true) {
      const page = await next();
      if (page.done === true) return;
      yield prefix === "" ? page.value : page.value.filter((item) => item.startsWith(prefix));
    }
  } finally {
    await iterator.return?.();
  }
}
