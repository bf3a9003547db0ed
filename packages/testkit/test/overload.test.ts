import { isStoreError, type Store } from "@kv/core";
import { type Harness, runCases } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { changing, noTime, queueing, standing } from "./mutants/overload-mutants.ts";

describe("a store that has more to do than it has time for", () => {
  test.each([standing, noTime])("%s keeps S7 where it lets go of what it rejects", async (when) => {
    const { harness } = queueing(Object.values(changing).flat(), "rejected, and let go", when);
    let rejected = 0;
    const counting: Harness = {
      ...harness,
      async open() {
        const { openImpatient, ...opened } = await harness.open();
        return {
          ...opened,
          openImpatient: async (timeoutMs) =>
            watched((await openImpatient?.(timeoutMs)) as Store, () => {
              rejected += 1;
            }),
        };
      },
    };
    const results = await runCases(counting, { filter: ({ testCase }) => testCase.title.startsWith(when) });
    expect(results.map(({ outcome }) => outcome)).toEqual(Object.keys(changing).map(() => "passed"));
    expect(rejected).toBeGreaterThan(0);
  });
});

/** The same store, which tells of each `set` that takes too long. */
function watched(store: Store, onTimeout: () => void): Store {
  return {
    ...store,
    async set(...args) {
      try {
        await store.set(...args);
      } catch (error) {
        if (isStoreError(error, "KV_TIMEOUT")) onTimeout();
        throw error;
      }
    },
  };
}
