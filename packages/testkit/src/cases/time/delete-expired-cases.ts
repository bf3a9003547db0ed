import type { FullStore } from "@kv/core";
import type { ContractCase } from "../../contract/contract-case.ts";
import type { Capability } from "../../contract/harness.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import { expectBetween, expectSame, expectTrue, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { concurrently } from "../shared/concurrently.ts";
import { expectFailure } from "../shared/failure.ts";
import { underRule } from "../shared/under-rule.ts";

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
      const short = Array.from({ length: 30 }, (_, at) => `short ${at}`);
      await setAll(store, short, "value", clock.shortMs);
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
        await expectAll(store, keys, `new ${round}`, "now");
      }
      await clock.sleep(100); // what is removed in the background is removed late
      await expectAll(store, keys, "new 2", "later");
    },
  }),
  ...concurrently({
    rule: "T6",
    title: "deleteExpired never removes what is renewed or written over near its end",
    needs: ["expiry"],
    waits: true,
    async run([store, other], { clock, harness }) {
      const saved = Object.entries(saviours).filter(([, { needs = [] }]) =>
        needs.every((need) => harness.capabilities.includes(need)),
      );
      // Lives that end one after the other; when one has this little left, it is saved.
      for (const leftMs of [1, 2, 5]) {
        const lives = [0.25, 0.5, 0.75, 1].map((part) => clock.shortMs * part);
        const entries = lives.flatMap((lifeMs) =>
          saved.map(([method, { save }]) => ({ lifeMs, method, save, key: `${method}, ${lifeMs} ms` })),
        );
        const before = clock.checkpoint();
        await Promise.all(entries.map(({ key, lifeMs }) => setAll(store, [key], "old", lifeMs)));
        const told = new Map<string, boolean>();
        for (const lifeMs of lives) {
          await before.until(lifeMs - leftMs);
          await Promise.all([
            store.deleteExpired(),
            ...entries.map(async ({ key, save, ...entry }) => {
              if (entry.lifeMs === lifeMs) told.set(key, await save(other, key));
            }),
            store.deleteExpired(),
          ]);
        }
        await before.until(clock.shortMs + resolutionMs);
        await store.deleteExpired();
        for (const when of ["now", "later"]) {
          if (when === "later") await clock.sleep(30);
          await Promise.all(
            entries.map(async ({ key }) =>
              expectSame(await store.exists(key), told.get(key), `exists(${inspect(key)}), ${when}`),
            ),
          );
        }
      }
    },
  }),
  {
    rule: "T6",
    title: "deleteExpired removes nothing early, however little time it has left, and all is gone in time",
    needs: ["expiry"],
    waits: true,
    async run({ store, clock }) {
      const lives = [1, 2, 10, 60, 250, 999, 1_001, 2_500, 60_000];
      for (let round = 0; round < 3; round += 1) {
        const before = clock.checkpoint();
        await Promise.all(lives.map((lifeMs) => setAll(store, [`${round}: ${lifeMs}`], "value", lifeMs)));
        await store.deleteExpired();
        await Promise.all(
          lives.map(async (lifeMs) => {
            const there = await store.exists(`${round}: ${lifeMs}`);
            const passedMs = before.atMostMs();
            expectTrue(
              there || passedMs >= lifeMs - resolutionMs,
              `the entry there until its ${lifeMs} ms are over`,
              `it was gone after at most ${passedMs} ms`,
            );
          }),
        );
      }
      await clock.checkpoint().until(60 + resolutionMs);
      await store.deleteExpired();
      for (const lifeMs of lives.filter((each) => each <= 60))
        expectSame(await store.exists(`0: ${lifeMs}`), false, `exists, when its ${lifeMs} ms are over`);
    },
  },
  {
    rule: "T6",
    title: "deleteExpired whose backend fails midway removes nothing else, and is right later",
    needs: ["expiry", "fail"],
    waits: true,
    async run({ store, clock, fail }) {
      const keys = Array.from({ length: 100 }, (_, at) => `key ${at}`);
      const expired = keys.slice(0, 50);
      for (const turns of [0, 1, 3]) {
        await setAll(store, expired, "old", clock.shortMs);
        await setAll(store, keys.slice(50), "kept");
        await clock.checkpoint().until(clock.shortMs + resolutionMs);
        const deleting = Promise.allSettled([store.deleteExpired()]);
        for (let count = 0; count < turns; count += 1) await clock.sleep(0);
        const recover = await fail();
        const [deleted] = await deleting;
        await recover();
        if (deleted.status === "fulfilled") expectBetween(deleted.value, 0, 50, "deleteExpired");
        else
          await underRule("S7", () => expectFailure(() => Promise.reject(deleted.reason), "deleteExpired"));
        await Promise.all(
          expired.map(async (key) => expectSame(await store.exists(key), false, `exists(${inspect(key)})`)),
        );
        await setAll(store, expired, "new");
        await clock.sleep(30); // what was left undone may be done late
        await expectAll(store, expired, "new", "after a failure");
        await expectAll(store, keys.slice(50), "kept", "after a failure");
      }
    },
  },
  {
    rule: "T7",
    title: "a jump of the wall clock makes deleteExpired remove nothing early and keep nothing late",
    needs: ["expiry", "inMemory"],
    async run({ store, clock, note }) {
      await store.set("long", "value", { expiresIn: "1h" });
      await store.set("short", "value", { expiresIn: { milliseconds: 50 } });
      const set = clock.checkpoint();
      // oxlint-disable time/seam -- it is the clock of the process that jumps, for stores that do not know the seam, too
      const now = Date.now;
      try {
        for (const [key, dayMs] of [
          ["ahead", 86_400_000],
          ["back", -86_400_000],
        ] as const) {
          Date.now = () => now() + dayMs;
          note(`the wall clock jumps a day ${key}`);
          await store.set(key, "value", { expiresIn: "1h" });
          await store.deleteExpired();
          expectValue(await store.get("long"), "value", "get of an entry with an hour");
          expectValue(await store.get(key), "value", "get of an entry with an hour, set after the jump");
        }
        await set.until(50 + resolutionMs);
        await store.deleteExpired();
        expectSame(await store.exists("short"), false, "exists of an entry with 50 ms");
      } finally {
        Date.now = now;
      }
      // oxlint-enable time/seam
      note("the wall clock jumps to where it was");
      await store.deleteExpired();
      for (const key of ["long", "ahead", "back"])
        expectValue(await store.get(key), "value", `get of an entry with an hour, ${key}`);
    },
  },
];

/** A way to save an entry from its end. */
interface Saviour {
  readonly needs?: readonly Capability[];
  /** Tells whether the entry is there from then on. */
  readonly save: (store: FullStore, key: string) => Promise<boolean>;
}

const saviours: Readonly<Record<string, Saviour>> = {
  touch: { save: (store, key) => store.touch(key, "1h") },
  "get with renewFor": {
    save: async (store, key) => (await store.get(key, { renewFor: "1h" })) !== undefined,
  },
  set: {
    async save(store, key) {
      await store.set(key, "new");
      return true;
    },
  },
  setMany: {
    needs: ["batch"],
    async save(store, key) {
      await store.setMany([[key, "new"]], { expiresIn: "1h" });
      return true;
    },
  },
  compareAndSet: { needs: ["atomic"], save: (store, key) => store.compareAndSet(key, "old", "new") },
};

async function expectAll(
  store: FullStore,
  keys: readonly string[],
  value: string,
  when: string,
): Promise<void> {
  await Promise.all(
    keys.map(async (key) => expectValue(await store.get(key), value, `get(${inspect(key)}), ${when}`)),
  );
}

async function setAll(
  store: FullStore,
  keys: readonly string[],
  value: string,
  forMs?: number,
): Promise<void> {
  const options = forMs === undefined ? {} : { expiresIn: { milliseconds: forMs } };
  await Promise.all(keys.map(async (key) => store.set(key, value, options)));
}
