import type { FullStore } from "@kv/core";
import { yieldToEventLoop } from "@kv/core/driver";
import type { ContractCase } from "../../contract/contract-case.ts";
import { expectSame, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { concurrently } from "../shared/concurrently.ts";
import { expectNoError } from "../shared/failure.ts";

/** N5: deleteAll beside writers. */
export const deleteAllBesideWritersCases: readonly ContractCase[] = [
  ...concurrently({
    rule: "N5",
    title: "beside writers, what was set before deleteAll is gone and what is set after it stays",
    async run([store, other]) {
      const before = Array.from({ length: 30 }, (_, at) => `before ${at}`);
      const after = Array.from({ length: 30 }, (_, at) => `after ${at}`);
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(before.map(async (key) => other.set(key, `round ${round}`)));
        await besideWriters(other, async () => {
          await store.deleteAll();
          await Promise.all(after.map(async (key) => other.set(key, `round ${round}`)));
        });
        await Promise.all([
          ...before.map(async (key) => expectSame(await store.exists(key), false, `exists(${inspect(key)})`)),
          ...after.map(async (key) =>
            expectValue(await store.get(key), `round ${round}`, `get(${inspect(key)})`),
          ),
        ]);
      }
    },
  }),
  ...concurrently({
    rule: "N5",
    title: "deleteAll of a parent beside writers of a child keeps what the child sets after it",
    needs: ["namespaces"],
    async run([store, other]) {
      const child = other.withNamespace("child").withNamespace("deep");
      for (let round = 0; round < 5; round += 1) {
        await child.set("before", `round ${round}`);
        await besideWriters(child, async () => {
          await store.deleteAll();
          await child.set("after", `round ${round}`);
        });
        expectSame(await child.exists("before"), false, "exists of what was set before");
        expectValue(await child.get("after"), `round ${round}`, "get of what was set after");
      }
    },
  }),
  ...concurrently({
    rule: "N5",
    title: "deleteAlls at the same time all resolve",
    async run([store, other]) {
      for (let round = 0; round < 5; round += 1) {
        await Promise.all([store.set("a", "1"), other.set("b", "2")]);
        await Promise.all([store.deleteAll(), other.deleteAll(), store.deleteAll()]);
        for (const key of ["a", "b"]) expectSame(await store.exists(key), false, `exists(${inspect(key)})`);
      }
    },
  }),
  ...concurrently({
    rule: "N5",
    title: "what was set before deleteAll is gone, and what is set after it stays, now and a while later",
    waits: true,
    async run([store, other], { harness, clock }) {
      const below = (at: FullStore): FullStore[] => {
        if (!harness.capabilities.includes("namespaces")) return [at];
        const child = at.withNamespace("child");
        return [at, child, child.withNamespace("deep")];
      };
      const [places, otherPlaces] = [below(store), below(other)];
      const everywhere = (
        at: readonly FullStore[],
        work: (store: FullStore, key: string) => Promise<unknown>,
      ): Promise<unknown> =>
        Promise.all(at.flatMap((each) => Array.from({ length: 20 }, (_, key) => work(each, `key ${key}`))));

      await everywhere(places, (at, key) => at.set(key, "before", { expiresIn: "1h" }));
      await store.deleteAll();
      // Keys that are set again: what was to be removed may still be remembered.
      await everywhere(otherPlaces, async (at, key) => {
        if (isOdd(key)) await at.set(key, "after");
      });
      for (const when of ["now", "later"]) {
        if (when === "later") await clock.sleep(100); // what is removed in the background is removed late
        await everywhere(places, async (at, key) =>
          expectValue(await at.get(key), isOdd(key) ? "after" : undefined, `get(${inspect(key)}), ${when}`),
        );
      }
    },
  }),
  {
    rule: "N5",
    title: "deleteAll of more than a page has removed all when it resolves, and removes nothing later",
    rootOnly: true,
    waits: true,
    async run({ store, harness, clock }) {
      const inBatches = harness.capabilities.includes("batch");
      const keys = Array.from({ length: inBatches ? 1_500 : 150 }, (_, at) => `key ${at}`);
      const setAll = (value: string): Promise<unknown> =>
        inBatches
          ? store.setMany(keys.map((key) => [key, value]))
          : Promise.all(keys.map((key) => store.set(key, value)));
      const countAll = async (): Promise<number> => {
        const found = await (inBatches
          ? store.getMany(keys)
          : Promise.all(keys.map((key) => store.get(key))));
        return found.filter((value) => value !== undefined).length;
      };
      await setAll("before");
      await store.deleteAll();
      expectSame(await countAll(), 0, "the entries that were set before deleteAll, after it");
      await setAll("after");
      await clock.sleep(100);
      expectSame(await countAll(), keys.length, "the entries that were set after deleteAll, later");
    },
  },
];

const mostWrites = 50_000;

function isOdd(key: string): boolean {
  return Number(key.slice(-1)) % 2 === 1;
}

/** Does something beside four writers, which stop when it is done. Rejects where a write failed, too. */
async function besideWriters(store: FullStore, work: () => Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const writers = Promise.allSettled(
    Array.from({ length: 4 }, async (_, writer) => {
      for (let count = 0; count < mostWrites && !stop.signal.aborted; count += 1) {
        await store.set(`writer ${writer} ${count % 20}`, `${count}`);
        // Writes that are done synchronously would leave no turn to anything else.
        if (count % 10 === 9) await yieldToEventLoop();
      }
    }),
  );
  try {
    await work();
  } finally {
    stop.abort();
    await writers;
  }
  expectNoError(await writers);
}
