import type { FullStore } from "@kv/core";
import { expectSame } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { expectNoError } from "../shared/failure.ts";

/**
 * Closes a store twice while calls are in flight, and expects that all of them had settled when the one close did, and the
 * other. Rejects where a call does.
 *
 * @param what Names the calls.
 */
export async function closeBeside(
  store: FullStore,
  calls: readonly Promise<unknown>[],
  what: string,
): Promise<void> {
  let settled = 0;
  const counted = inFlight(
    calls.map(async (call) => {
      try {
        await call;
      } finally {
        settled += 1;
      }
    }),
  );
  const closing = inFlight(
    [store.close(), store.close()].map(async (close) => {
      const closed = await Promise.allSettled([close]);
      await microtasks();
      return { closed, settled };
    }),
  );
  const closes = await Promise.all(closing);
  await Promise.all(counted);
  for (const [at, { closed, settled: settledAtClose }] of closes.entries()) {
    expectNoError(closed);
    const which = at === 0 ? "close" : "a second close";
    expectSame(settledAtClose, calls.length, `the calls of ${what} that had settled when ${which} did`);
  }
}

/**
 * Gives way to what has settled already, and need not have been told yet. Not to the event loop: in a turn of it much settles
 * that nobody has waited for.
 */
export async function microtasks(): Promise<void> {
  for (let count = 0; count < 100; count += 1) await Promise.resolve();
}
