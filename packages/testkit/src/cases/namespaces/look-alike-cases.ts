import type { Duration, FullStore } from "@kv/core";
import type { CaseContext, ContractCase, Need } from "../../contract/contract-case.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import {
  expectBetween,
  expectEntries,
  expectSame,
  expectSameSet,
  expectValue,
} from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { callsWithKey } from "../shared/calls-by-argument.ts";
import { forEach } from "../shared/for-each.ts";
import { keyLookAlikes, nameLookAlikes } from "../shared/look-alikes.ts";

/** What each operation must say of a key that is not there, though a key is that it would fit. */
const absent: Readonly<
  Record<
    string,
    {
      readonly needs?: readonly Need[];
      readonly ask: (store: FullStore, key: string) => Promise<unknown>;
      readonly answer: unknown;
    }
  >
> = {
  get: { ask: (store, key) => store.get(key), answer: undefined },
  "get with renewFor": { ask: (store, key) => store.get(key, { renewFor: "1h" }), answer: undefined },
  exists: { ask: (store, key) => store.exists(key), answer: false },
  expiresIn: { ask: (store, key) => store.expiresIn(key), answer: undefined },
  touch: { ask: (store, key) => store.touch(key, "1h"), answer: false },
  delete: { ask: (store, key) => store.delete(key), answer: false },
  getMany: {
    needs: ["batch"],
    ask: async (store, key) => (await store.getMany([key]))[0],
    answer: undefined,
  },
  deleteMany: { needs: ["batch"], ask: (store, key) => store.deleteMany([key]), answer: 0 },
  take: { needs: ["atomic"], ask: (store, key) => store.take(key), answer: undefined },
  compareAndSet: {
    needs: ["atomic"],
    ask: (store, key) => store.compareAndSet(key, "fitting", "x"),
    answer: false,
  },
  compareAndDelete: {
    needs: ["atomic"],
    ask: (store, key) => store.compareAndDelete(key, "fitting"),
    answer: false,
  },
};

/** Every way to delete an entry that holds `own`. */
const removals: Readonly<
  Record<
    string,
    { readonly needs?: readonly Need[]; readonly remove: (store: FullStore, key: string) => Promise<unknown> }
  >
> = {
  delete: { remove: (store, key) => store.delete(key) },
  deleteMany: { needs: ["batch"], remove: (store, key) => store.deleteMany([key]) },
  take: { needs: ["atomic"], remove: (store, key) => store.take(key) },
  compareAndDelete: { needs: ["atomic"], remove: (store, key) => store.compareAndDelete(key, "own") },
};

/** S4, N1, N2, N6, T6: a hostile name or key beside one that it would fit as a pattern. */
export const lookAlikeCases: readonly ContractCase[] = [
  {
    rule: "S4",
    title: "a key that reads as a pattern is not there because a key is that it would fit",
    rootOnly: true,
    async run({ store, harness }) {
      const asked = Object.entries(absent).filter(([, { needs }]) => isDeclared(harness, needs));
      const fitting = new Set(keyLookAlikes.flatMap(([, texts]) => texts));
      await forEach([...fitting], async (key) => store.set(key, "fitting"));
      const patterns = new Set(keyLookAlikes.map(([pattern]) => pattern).filter((key) => !fitting.has(key)));
      await forEach([...patterns], async (key) =>
        forEach(asked, async ([operation, { ask, answer }]) =>
          expectSame(await ask(store, key), answer, `${operation} of ${inspect(key)}, which was never set`),
        ),
      );
      await forEach([...fitting], async (key) => {
        expectValue(await store.get(key), "fitting", `get(${inspect(key)}) after calls with other keys`);
        expectSame(await store.expiresIn(key), Number.POSITIVE_INFINITY, `expiresIn(${inspect(key)})`);
      });
    },
  },
  ...Object.entries(removals).map(
    ([operation, { needs = [], remove }]): ContractCase => ({
      rule: "S4",
      title: `${operation} of a key that reads as a pattern leaves the keys that it would fit`,
      needs,
      rootOnly: true,
      async run({ store }) {
        await forEach(keyLookAlikes, async ([pattern, fitting], at) => {
          // With a beginning of their own, so that they meet no others.
          const [own, ...others] = [pattern, ...fitting].map((key) => `${at} ${key}`) as [
            string,
            ...string[],
          ];
          await forEach([own, ...others], async (key) => store.set(key, "own"));
          await remove(store, own);
          expectSame(await store.exists(own), false, `exists(${inspect(own)}) after ${operation}`);
          await forEach(others, async (key) =>
            expectValue(
              await store.get(key),
              "own",
              `get(${inspect(key)}) after ${operation} of ${inspect(own)}`,
            ),
          );
        });
      },
    }),
  ),
  {
    rule: "N1",
    title: "no call in a namespace whose name reads as a pattern reaches one that it would fit",
    needs: ["namespaces"],
    rootOnly: true,
    async run(context) {
      const calls = callsWithKey
        .filter(({ needs }) => isDeclared(context.harness, needs))
        .flatMap((some) => Object.values(some.calls));
      await forEachFamily(context, async (own, others, name) => {
        const keys = ["key", "kept"];
        await forEach(others, async (other) => forEach(keys, async (key) => other.set(key, "before")));
        for (const call of calls) await call(own, "key");
        await forEach(others, async (other) =>
          forEach(keys, async (key) => {
            expectValue(await other.get(key), "before", `get after calls in ${name}`);
            const left = await other.expiresIn(key);
            expectSame(left, Number.POSITIVE_INFINITY, `expiresIn after calls in ${name}`);
          }),
        );
      });
    },
  },
  {
    rule: "N2",
    title: "deleteAll of a namespace whose name reads as a pattern leaves those that it would fit",
    needs: ["namespaces"],
    rootOnly: true,
    async run(context) {
      await forEachFamily(context, async (own, others, name) => {
        await Promise.all([fill(own, "own"), ...others.map(async (other) => fill(other, "other"))]);
        await own.deleteAll();
        await forEach([own, own.withNamespace("below own")], async (at) =>
          expectSame(await at.exists("own"), false, `exists after deleteAll of ${name}`),
        );
        await forEach(others, async (other) => expectFull(other, "other", `after deleteAll of ${name}`));
      });
    },
  },
  {
    rule: "N6",
    title: "listings of a namespace whose name reads as a pattern list nothing of those that it would fit",
    needs: ["namespaces", "listing"],
    rootOnly: true,
    async run(context) {
      await forEachFamily(context, async (own, others, name) => {
        await Promise.all([fill(own, "own"), ...others.map(async (other) => fill(other, "other"))]);
        expectSameSet(await collect(own.keys()), ["own"], `keys in ${name}`);
        expectSameSet(await collect(own.keys({ prefix: "o" })), ["own"], `keys with a prefix in ${name}`);
        expectEntries(await collectEntries(own.entries()), new Map([["own", "own"]]), `entries in ${name}`);
        expectSameSet(await collect(own.namespaces()), ["below own"], `namespaces in ${name}`);
      });
    },
  },
  {
    rule: "N6",
    title:
      "a prefix that reads as a pattern lists the keys that begin with it and none that begin with what it would fit",
    needs: ["listing"],
    rootOnly: true,
    async run({ store }) {
      const keys = [...new Set(keyLookAlikes.flat(2).flatMap((text) => [text, `${text}z`]))];
      await forEach(keys, async (key) => store.set(key, "value"));
      await forEach(keyLookAlikes, async ([prefix]) =>
        expectSameSet(
          await collect(store.keys({ prefix })),
          keys.filter((key) => key.startsWith(prefix)),
          `keys with the prefix ${inspect(prefix)}`,
        ),
      );
    },
  },
  {
    rule: "T6",
    title: "deleteExpired of a namespace whose name reads as a pattern leaves those that it would fit",
    needs: ["namespaces", "expiry"],
    rootOnly: true,
    waits: true,
    async run(context) {
      const { clock } = context;
      const expiresIn = { milliseconds: clock.shortMs };
      await forEachFamily(context, async (own, others) => {
        await forEach([own, ...others], async (each) => each.set("short", "value", { expiresIn }));
        await forEach(others, async (other) => fill(other, "other", "30d"));
      });
      await clock.checkpoint().until(clock.shortMs + resolutionMs);
      await forEachFamily(context, async (own, others, name) => {
        expectBetween(await own.deleteExpired(), 0, 1, `deleteExpired of ${name}`);
        await forEach(others, async (other) => expectFull(other, "other", `after deleteExpired of ${name}`));
      });
    },
  },
];

/** Tries each name beside those that it would fit, below a parent of their own. */
async function forEachFamily(
  { store }: CaseContext,
  step: (own: FullStore, others: readonly FullStore[], name: string) => Promise<void>,
): Promise<void> {
  await forEach(nameLookAlikes, async ([pattern, fitting], at) => {
    const parent = store.withNamespace(`family ${at}`);
    const others = fitting.map((name) => parent.withNamespace(name));
    await step(parent.withNamespace(pattern), others, inspect(pattern));
  });
}

/** An entry in a namespace and one below it, both called so. */
async function fill(
  store: FullStore,
  name: string,
  expiresIn: Duration = Number.POSITIVE_INFINITY,
): Promise<void> {
  await forEach([store, store.withNamespace(`below ${name}`)], async (at) =>
    at.set(name, name, { expiresIn }),
  );
}

async function expectFull(store: FullStore, name: string, when: string): Promise<void> {
  expectValue(await store.get(name), name, `get ${when}`);
  expectValue(await store.withNamespace(`below ${name}`).get(name), name, `get further below, ${when}`);
}

function isDeclared({ capabilities }: CaseContext["harness"], needs: readonly Need[] = []): boolean {
  return needs.every((need) => (capabilities as readonly Need[]).includes(need));
}
