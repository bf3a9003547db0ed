import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import { expectBetween, expectSame, expectValue } from "../../support/expect.ts";
import { concurrently } from "../shared/concurrently.ts";

/** T6: deleteExpired removes what has expired, and nothing else. */
export const deleteExpiredCases: readonly ContractCase[] = [
  {
    rule: "T6",
    title: "deleteExpired removes nothing that has not expired",
    needs: ["expiry"],
    waits: true,
    async run({ store, clock }) {
      expectSame(await store.deleteExpired(), 0, "deleteExpired of an empty store");
      await store.set("endless", "value");
      await store.set("long", "value", { expiresIn: "20h" });
      for (let at = 0; at < 30; at += 1) {
        await store.set(`short ${at}`, "value", { expiresIn: { milliseconds: clock.shortMs } });
      }
      await clock.checkpoint().until(clock.shortMs + resolutionMs);
      const first = await store.deleteExpired();
      const second = await store.deleteExpired();
      expectBetween(first, 0, 30, "deleteExpired");
      expectSame(second, 0, "deleteExpired again");
      for (const key of ["endless", "long"]) expectValue(await store.get(key), "value", `get of ${key}`);
      expectSame(await store.exists("short 1"), false, "exists of what expired");
    },
  },
  {
    rule: "T6",
    title: "deleteExpired reaches the whole subtree, and counts no more than what expired in it",
    needs: ["expiry", "namespaces"],
    waits: true,
    async run({ store, clock }) {
      const child = store.withNamespace("child");
      const deep = child.withNamespace("deep").withNamespace("er");
      const sibling = store.withNamespace("childs");
      for (const at of [store, child, deep, sibling]) {
        await at.set("short", "value", { expiresIn: { milliseconds: clock.shortMs } });
        await at.set("kept", "value");
      }
      await clock.checkpoint().until(clock.shortMs + resolutionMs);
      const below = await child.deleteExpired();
      expectBetween(below, 0, 2, "deleteExpired of the child");
      expectBetween(await store.deleteExpired(), 0, 4 - below, "deleteExpired of the parent");
      for (const at of [store, child, deep, sibling]) {
        expectValue(await at.get("kept"), "value", "get of what has no expiry");
        expectSame(await at.exists("short"), false, "exists of what expired");
      }
    },
  },
  ...concurrently({
    rule: "T6",
    title: "deleteExpired never removes what is set meanwhile",
    needs: ["expiry"],
    waits: true,
    async run([store, other], { clock }) {
      const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`);
      for (let round = 0; round < 3; round += 1) {
        await setAll(store, keys, "old", clock.shortMs);
        await clock.checkpoint().until(clock.shortMs + resolutionMs);
        await Promise.all([
          store.deleteExpired(),
          setAll(other, keys, `new ${round}`),
          store.deleteExpired(),
        ]);
        for (const key of keys) expectValue(await store.get(key), `new ${round}`, `get of ${key}`);
      }
    },
  }),
];

async function setAll(
  store: FullStore,
  keys: readonly string[],
  value: string,
  forMs?: number,
): Promise<void> {
  const options = forMs === undefined ? {} : { expiresIn: { milliseconds: forMs } };
  await Promise.all(keys.map(async (key) => store.set(key, value, options)));
}
