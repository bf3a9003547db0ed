import type { FullStore } from "@kv/core";
import type { CaseContext, ContractCase, Need } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import type { RuleId } from "../../contract/rules.ts";
import type { Checkpoint } from "../../contract/test-clock.ts";
import { expectBetween, expectSame, expectValue } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { inspect } from "../../support/inspect.ts";
import { forEach, inGroups } from "../shared/for-each.ts";

const hourS = 3_600;

/** Calls that write with `keepExpiry`. */
const keepers: readonly {
  readonly rule: RuleId;
  readonly method: string;
  readonly needs: readonly Need[];
  readonly keep: (store: FullStore, key: string, old: string, value: string) => Promise<unknown>;
}[] = [
  {
    rule: "T2",
    method: "set",
    needs: [],
    keep: (store, key, _, value) => store.set(key, value, { keepExpiry: true }),
  },
  {
    rule: "T2",
    method: "setMany",
    needs: ["batch"],
    keep: (store, key, _, value) => store.setMany([[key, value]], { keepExpiry: true }),
  },
  {
    rule: "A3",
    method: "compareAndSet",
    needs: ["atomic"],
    keep: (store, key, old, value) => store.compareAndSet(key, old, value, { keepExpiry: true }),
  },
];

/** T2 to T4: which expiry an entry has. Nothing here waits: `expiresIn` tells. */
export const expiryCases: readonly ContractCase[] = [
  {
    rule: "T2",
    title: "set without options removes the expiry",
    async run(context) {
      for (const options of [undefined, {}, { expiresIn: undefined }, { keepExpiry: false as const }]) {
        await context.store.set("key", "first", { expiresIn: "1h" });
        await context.store.set("key", "second", options);
        expectSame(await context.store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
        expectValue(await context.store.get("key"), "second", "get", "S1");
      }
    },
  },
  {
    rule: "T2",
    title: "set with expiresIn replaces the expiry, by a shorter and by a longer one",
    async run(context) {
      await context.store.set("key", "first", { expiresIn: "2h" });
      for (const hours of [1, 3]) {
        const before = context.clock.checkpoint();
        await context.store.set("key", "value", { expiresIn: { hours } });
        await expectLeft(context.store, "key", hours * hourS, before);
      }
    },
  },
  {
    rule: "T2",
    title: "set with keepExpiry keeps the expiry, and that there is none",
    async run({ store, clock }) {
      const before = clock.checkpoint();
      await store.set("key", "first", { expiresIn: "1h" });
      await store.set("key", "second", { keepExpiry: true });
      await expectLeft(store, "key", hourS, before);
      expectValue(await store.get("key"), "second", "get", "S1");

      await store.set("endless", "first");
      await store.set("endless", "second", { keepExpiry: true });
      expectSame(await store.expiresIn("endless"), Number.POSITIVE_INFINITY, "expiresIn of an endless entry");
      await store.set("new", "first", { keepExpiry: true });
      expectSame(await store.expiresIn("new"), Number.POSITIVE_INFINITY, "expiresIn of a new entry");
    },
  },
  {
    rule: "T2",
    title: "setMany removes, sets and keeps expiries like set",
    needs: ["batch"],
    async run({ store, clock }) {
      const before = clock.checkpoint();
      await store.setMany(
        [
          ["key", "1"],
          ["other", "1"],
        ],
        { expiresIn: "1h" },
      );
      await expectLeft(store, "key", hourS, before);
      await expectLeft(store, "other", hourS, before);
      await store.setMany(
        [
          ["key", "2"],
          ["new", "2"],
        ],
        { keepExpiry: true },
      );
      await expectLeft(store, "key", hourS, before);
      expectSame(await store.expiresIn("new"), Number.POSITIVE_INFINITY, "expiresIn of a new entry");
      await store.setMany([["key", "3"]]);
      expectSame(
        await store.expiresIn("key"),
        Number.POSITIVE_INFINITY,
        "expiresIn after setMany without options",
      );
      await expectLeft(store, "other", hourS, before);
    },
  },
  {
    rule: "A3",
    title: "compareAndSet removes, sets and keeps expiries like set",
    needs: ["atomic"],
    async run({ store, clock }) {
      await store.set("key", "0");
      const before = clock.checkpoint();
      expectSame(await store.compareAndSet("key", "0", "1", { expiresIn: "1h" }), true, "compareAndSet");
      await expectLeft(store, "key", hourS, before);
      expectSame(await store.compareAndSet("key", "1", "2", { keepExpiry: true }), true, "compareAndSet");
      await expectLeft(store, "key", hourS, before);
      expectSame(await store.compareAndSet("key", "other", "3"), false, "compareAndSet from another value");
      await expectLeft(store, "key", hourS, before);
      expectSame(await store.compareAndSet("key", "2", "3"), true, "compareAndSet");
      expectSame(
        await store.expiresIn("key"),
        Number.POSITIVE_INFINITY,
        "expiresIn after compareAndSet without options",
      );
    },
  },
  ...(["get with renewFor", "touch"] as const).flatMap((method): ContractCase[] => [
    {
      rule: "T3",
      title: `${method} moves an expiry, shorter and longer, and leaves the value`,
      async run({ store, clock }) {
        await store.set("key", "value", { expiresIn: "5h" });
        for (const hours of [1, 9, 2]) {
          const before = clock.checkpoint();
          await renew(store, method, "key", hours * hourS);
          await expectLeft(store, "key", hours * hourS, before);
        }
        expectValue(await store.get("key"), "value", "get");
      },
    },
    {
      rule: "T3",
      title: `${method} gives no expiry to an entry that has none`,
      async run({ store }) {
        await store.set("key", "value");
        await renew(store, method, "key", hourS);
        expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
      },
    },
    {
      rule: "T3",
      title: `${method} for Infinity takes the expiry away`,
      async run({ store }) {
        await store.set("key", "value", { expiresIn: "1h" });
        await renew(store, method, "key", Number.POSITIVE_INFINITY);
        expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn");
      },
    },
    {
      rule: "T3",
      title: `${method} brings nothing back that is deleted beside it, and undoes no set`,
      async run(context) {
        await renewBesideWrites(context, context.store, method);
      },
    },
    {
      rule: "T3",
      title: `${method} of a second handle brings nothing back and undoes no set`,
      needs: ["openAgain"],
      async run(context) {
        await renewBesideWrites(context, await context.reopen(), method);
      },
    },
    {
      rule: "T3",
      title: `${method} of another process brings nothing back and undoes no set`,
      needs: ["openElsewhere"],
      async run(context) {
        await renewBesideWrites(context, await context.inOtherProcess(), method);
      },
    },
  ]),
  {
    rule: "T4",
    title:
      "expiresIn tells the seconds left with fractions, Infinity without expiry, undefined without entry",
    async run({ store, clock }) {
      const before = clock.checkpoint();
      await store.set("key", "value", { expiresIn: "90500ms" });
      await expectLeft(store, "key", 90.5, before);
      await store.set("key", "value");
      expectSame(await store.expiresIn("key"), Number.POSITIVE_INFINITY, "expiresIn without expiry");
      await store.delete("key");
      expectSame(await store.expiresIn("key"), undefined, "expiresIn without entry");
    },
  },
  ...keepers.map(
    ({ rule, method, needs, keep }): ContractCase => ({
      rule,
      title: `${method} with keepExpiry keeps what is left, to the millisecond`,
      needs,
      waits: true,
      async run({ store, clock }) {
        const lifeMs = 10 * hourS * 1_000 + 250;
        const before = clock.checkpoint();
        await store.set("key", "0", { expiresIn: { milliseconds: lifeMs } });
        const set = clock.checkpoint();
        for (const round of [1, 2]) {
          await set.until(round * clock.shortMs);
          await keep(store, "key", `${round - 1}`, `${round}`);
          expectBetween(
            await store.expiresIn("key"),
            (lifeMs - before.atMostMs()) / 1_000 - 0.002,
            (lifeMs - round * clock.shortMs) / 1_000 + 0.002,
            "expiresIn",
          );
        }
        expectValue(await store.get("key"), "2", "get");
      },
    }),
  ),
  {
    rule: "T4",
    title: "expiresIn counts down",
    waits: true,
    async run({ store, clock }) {
      const before = clock.checkpoint();
      await store.set("key", "value", { expiresIn: "10h" });
      const set = clock.checkpoint();
      const first = (await store.expiresIn("key")) as number;
      await set.until(clock.shortMs);
      const second = (await store.expiresIn("key")) as number;
      expectBetween(
        second,
        10 * hourS - before.atMostMs() / 1_000 - 0.001,
        10 * hourS - clock.shortMs / 1_000 + 0.001,
        "expiresIn, later",
      );
      expectBetween(first, second, 10 * hourS + 0.001, "expiresIn, earlier");
    },
  },
];

async function renew(
  store: FullStore,
  method: "get with renewFor" | "touch",
  key: string,
  renewFor: number,
): Promise<void> {
  if (method === "touch") expectSame(await store.touch(key, renewFor), true, "touch");
  else if ((await store.get(key, { renewFor })) === undefined)
    throw new ExpectationError("get with renewFor: the value", "undefined");
}

/** Renewals by one handle while another deletes and sets: what the other did last is what stays. */
async function renewBesideWrites(
  { store }: CaseContext,
  renewer: FullStore,
  method: "get with renewFor" | "touch",
): Promise<void> {
  // Some at the same time: rounds do not share a key.
  await forEach(
    inGroups(
      Array.from({ length: 30 }, (_, round) => round),
      5,
    ),
    async (rounds) => {
      for (const round of rounds) {
        const [deleted, replaced] = [`deleted ${round}`, `replaced ${round}`];
        await forEach([deleted, replaced], async (key) => store.set(key, "old", { expiresIn: "1h" }));
        const renewed = inFlight(
          [deleted, replaced].flatMap((key) =>
            [1, 2, 3].map(
              async (): Promise<unknown> =>
                method === "touch" ? renewer.touch(key, "2h") : renewer.get(key, { renewFor: "2h" }),
            ),
          ),
        );
        await Promise.all([...renewed, store.delete(deleted), store.set(replaced, "new")]);
        const [gone, there, left] = await Promise.all([
          store.get(deleted),
          store.get(replaced),
          store.expiresIn(replaced),
        ]);
        expectValue(gone, undefined, `get of what was deleted beside ${method}`);
        expectValue(there, "new", `get of what was set beside ${method}`);
        expectSame(left, Number.POSITIVE_INFINITY, `expiresIn of what was set without one beside ${method}`);
      }
    },
  );
}

/** `expiresIn` of an entry that was given so many seconds after `before`, and is there unless they may be over. */
export async function expectLeft(
  store: FullStore,
  key: string,
  seconds: number,
  before: Checkpoint,
): Promise<void> {
  const left = await store.expiresIn(key);
  const least = seconds - before.atMostMs() / 1_000 - 0.002;
  // A duration of a century in milliseconds is exact; in seconds it has a rounding of its own.
  const most = seconds + 0.002 + seconds * 1e-12;
  if (left === undefined && least <= 0) return;
  if (left === undefined || !(left >= least && left <= most)) {
    throw new ExpectationError(`expiresIn(${inspect(key)}): from ${least} to ${most}`, inspect(left));
  }
}
