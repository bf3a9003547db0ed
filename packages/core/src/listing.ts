import type { Calls } from "./calls.ts";

/**
 * A listing over a driver's pages. Fetching a page is a call like any other: refused after the end, counted,
 * its errors wrapped. Between pages nothing is under way, so a paused listing does not hold up `close` (L2).
 */
export async function* listing(
  calls: Calls,
  operation: string,
  open: () => AsyncIterable<readonly string[]>,
): AsyncGenerator<string, void, undefined> {
  const pages = await calls.run(
    operation,
    () => open()[Symbol.asyncIterator](),
    (iterator) => iterator,
  );
  try {
    while (true) {
      const page = await calls.run(
        operation,
        () => pages.next(),
        (result) => result,
      );
      if (page.done === true) return;
      for (const item of page.value) {
        yield item;
        calls.refuseAfterClose(operation);
      }
    }
  } finally {
    await pages.return?.();
  }
}
