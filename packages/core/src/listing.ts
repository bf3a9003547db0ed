import type { Bytes } from "./bytes.ts";
import type { Calls } from "./calls.ts";
import type { Answer } from "./driver.ts";
import { isStoreError } from "./error.ts";

/** What a listing asks the driver for. */
export interface Listing {
  readonly pages: AsyncIterable<readonly string[]>;
  /** Which items are wanted: all that begin with this. */
  readonly prefix: string;
}

/**
 * A listing over a driver's pages. Fetching a page is a call like any other: refused after the end, counted,
 * its errors wrapped. Between pages nothing is under way, so a paused listing does not hold up `close` (L2).
 */
export async function* listing(
  calls: Calls,
  operation: string,
  open: () => Listing,
): AsyncGenerator<string, void, undefined> {
  for await (const page of pagesOf(calls, operation, open)) {
    for (const item of page) {
      yield item;
      calls.refuseAfterClose(operation);
    }
  }
}

/** A listing of keys with their values, which are read some at a time. What is damaged is told of at the end. */
export async function* entryListing(
  calls: Calls,
  operation: string,
  open: () => Listing,
  get: (key: string) => Answer<Bytes | undefined>,
): AsyncGenerator<[string, Bytes], void, undefined> {
  const damage: unknown[] = [];
  const read = async (key: string): Promise<Bytes | undefined> => {
    try {
      return await calls.run(operation, get, (found) => found, key);
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
        calls.refuseAfterClose(operation);
      }
      length = nextBatchLength(keys.length, bytes);
    }
  }
  if (damage.length > 0) throw damage[0];
}

const batchBytes = 4 * 1024 * 1024;
const longestBatch = 512;

/**
 * How many values to read next, after so many that had so many bytes: as many as make up some megabytes by what is known,
 * and at most twice as many, for sizes are not known before.
 */
export function nextBatchLength(length: number, bytes: number): number {
  const fitting = Math.floor((length * batchBytes) / Math.max(bytes, 1));
  return Math.max(1, Math.min(fitting, length * 2, longestBatch));
}

async function* pagesOf(
  calls: Calls,
  operation: string,
  open: () => Listing,
): AsyncGenerator<readonly string[], void, undefined> {
  const { iterator, prefix } = await calls.run(operation, open, ({ pages, prefix: wanted }) => ({
    iterator: pages[Symbol.asyncIterator](),
    prefix: wanted,
  }));
  try {
    while (true) {
      const page = await calls.run(
        operation,
        () => iterator.next(),
        (result) => result,
      );
      if (page.done === true) return;
      yield prefix === "" ? page.value : page.value.filter((item) => item.startsWith(prefix));
    }
  } finally {
    await iterator.return?.();
  }
}
