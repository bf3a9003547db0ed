import type { Duration, FullStore } from "@kv/core";
import type { CaseContext, ContractCase } from "../../contract/contract-case.ts";
import type { RuleId } from "../../contract/rules.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import { expectBetween, expectSame, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { type ExpiryWay, expiryWays } from "../shared/expiry-ways.ts";
import { forEach } from "../shared/for-each.ts";
import { expectLeft } from "./expiry-cases.ts";
import { expectGoneInTime } from "./time-cases.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Around the largest delay of a timer, which fires immediately beyond it, and the largest numbers of 32 bits. */
const longMs: Readonly<Record<string, number>> = {
  "a day": dayMs,
  "2^31 - 1 ms": 2 ** 31 - 1,
  "2^31 ms": 2 ** 31,
  "2^31 + 1 ms": 2 ** 31 + 1,
  "30 days": 30 * dayMs,
  "2^32 ms": 2 ** 32,
  "2^32 + 1 ms": 2 ** 32 + 1,
  "2^31 s": 2 ** 31 * 1_000,
  "a century": 36_525 * dayMs,
  "1,000 years": 365_250 * dayMs,
  Infinity: Number.POSITIVE_INFINITY,
};

const expiryMs = 10 * hourMs;

/** Held against an expiry of ten hours. */
const otherMs: Readonly<Record<string, number>> = {
  "a minute": 60_000,
  "an hour": hourMs,
  "ten hours less 400 ms": expiryMs - 400,
  "the same ten hours": expiryMs,
  "ten hours and 1 ms": expiryMs + 1,
  "ten hours and 400 ms": expiryMs + 400,
  "twenty hours": 2 * expiryMs,
};

/** Calls that must leave the expiry of what is there, whatever duration they are given. */
const leavers: readonly {
  readonly rule: RuleId;
  readonly method: string;
  readonly call: (store: FullStore, key: string, expiresIn: Duration) => Promise<unknown>;
}[] = [
  {
    rule: "A1",
    method: "increment",
    call: (store, key, expiresIn) => store.increment(key, { by: 0, expiresIn }),
  },
  {
    rule: "A2",
    method: "setIfAbsent",
    call: (store, key, expiresIn) => store.setIfAbsent(key, "2", { expiresIn }),
  },
  {
    rule: "A3",
    method: "compareAndSet from another value",
    call: (store, key, expiresIn) => store.compareAndSet(key, "0", "2", { expiresIn }),
  },
];

/** T2, T3, T5, A1 to A3: every method that takes a duration, with durations of every length. */
export const durationCases: readonly ContractCase[] = [
  {
    rule: "T4",
    title: "expiresIn tells the time that is left of lives of every length",
    async run({ store, clock }) {
      const lives = Object.entries({ ...longMs, ...otherMs });
      const before = clock.checkpoint();
      await forEach(lives, async ([key, ms]) => store.set(key, "1", { expiresIn: durationOf(ms) }));
      await forEach(lives, async ([key, ms]) => expectLeft(store, key, ms / 1_000, before));
    },
  },
  ...Object.entries(expiryWays).flatMap(([way, { needs = [], prepare, give, replaces }]): ContractCase[] => [
    {
      rule: "T5",
      title: `a day, 2^31 ms, 30 days, a century and Infinity given by ${way} are that long`,
      needs,
      waits: true,
      async run(context) {
        const { store, clock } = context;
        const lives = Object.entries(longMs);
        await forEach(lives, async ([key]) => prepare?.(store, key));
        const before = clock.checkpoint();
        await forEach(lives, async ([key, ms]) => give(store, key, durationOf(ms)));
        const after = clock.checkpoint();
        await clock.sleep(30); // a timer of more than 2^31 ms would fire immediately
        await forEach(lives, async ([key, ms]) => {
          expectValue(await store.get(key), "1", `get of an entry with ${key}`);
          await expectLeft(store, key, ms / 1_000, before);
        });
        if (!clock.isFake) return;
        for (const [key, ms] of lives.filter(([, each]) => Number.isFinite(each))) {
          await expectGoneInTime(context, key, before, after, ms);
        }
        expectValue(await store.get("Infinity"), "1", "get of an entry with Infinity");
      },
    },
    {
      rule: "T5",
      title: `a fraction of a millisecond given by ${way} is neither nothing nor for ever`,
      needs,
      waits: true,
      async run({ store, clock }) {
        const spelled: readonly Duration[] = [0.000_4, "0.4ms", { milliseconds: 0.4 }];
        await forEach(spelled, async (_, at) => prepare?.(store, `key ${at}`));
        await forEach(spelled, async (duration, at) => give(store, `key ${at}`, duration));
        await clock.checkpoint().until(1 + resolutionMs);
        await forEach(spelled, async (duration, at) => {
          const what = `given ${inspect(duration)}, that time being over`;
          expectSame(await store.expiresIn(`key ${at}`), undefined, `expiresIn, ${what}`);
          expectValue(await store.get(`key ${at}`), undefined, `get, ${what}`);
        });
      },
    },
    ...(replaces === undefined ? [] : replacing(way, replaces, { needs, give })),
  ]),
  ...leavers.flatMap(({ rule, method, call }): ContractCase[] => [
    {
      rule,
      title: `${method} leaves an expiry, and that there is none, whatever duration it is given`,
      needs: ["atomic"],
      waits: true,
      async run({ store, clock }) {
        const given = Object.entries({ ...longMs, ...otherMs, "0.4 ms": 0.4 });
        const before = clock.checkpoint();
        await forEach(given, async ([key]) => {
          await Promise.all([store.set(key, "1", { expiresIn: "10h" }), store.set(`endless: ${key}`, "1")]);
        });
        const after = clock.checkpoint();
        await forEach(given, async ([key, ms]) => {
          await Promise.all([
            call(store, key, durationOf(ms)),
            call(store, `endless: ${key}`, durationOf(ms)),
          ]);
        });
        await clock.sleep(30);
        await forEach(given, async ([key]) => {
          await expectLeft(store, key, expiryMs / 1_000, before);
          const left = await store.expiresIn(`endless: ${key}`);
          expectSame(left, Number.POSITIVE_INFINITY, `expiresIn of an endless entry, after ${key}`);
          expectValue(await store.get(key), "1", `get, after ${key}`);
        });
        if (!clock.isFake) return;
        await after.until(expiryMs + resolutionMs);
        await forEach(given, async ([key]) => {
          expectSame(await store.exists(key), false, `exists after ten hours, after ${key}`);
          expectValue(await store.get(`endless: ${key}`), "1", `get of an endless entry, after ${key}`);
        });
      },
    },
  ]),
  {
    rule: "A1",
    title: "increment says how long the entry has left, for durations of every length",
    needs: ["atomic"],
    async run({ store, clock }) {
      const before = clock.checkpoint();
      await forEach(Object.entries({ ...longMs, ...otherMs, "0.4 ms": 0.4 }), async ([key, ms]) => {
        const seconds = Math.ceil(ms) / 1_000;
        const created = await store.increment(key, { expiresIn: durationOf(ms) });
        const answers = [created];
        if (ms >= 1) answers.push(await store.increment(key, { expiresIn: "5m" }));
        for (const { expiresIn } of answers) {
          const least = Math.max(0, seconds - before.atMostMs() / 1_000 - 0.002);
          expectBetween(expiresIn, least, seconds * (1 + 1e-12) + 0.002, `expiresIn of an increment, ${key}`);
        }
      });
    },
  },
];

/** The cases of a call that gives another expiry to an entry that has one. */
function replacing(way: string, rule: RuleId, { needs = [], give }: ExpiryWay): ContractCase[] {
  return [
    {
      rule,
      title: `${way} moves an expiry by hours and by less than a second, to and fro`,
      needs,
      waits: true,
      async run(context) {
        const { store, clock } = context;
        const lives = Object.entries(otherMs);
        await forEach(lives, async ([key]) => store.set(key, "1", { expiresIn: "10h" }));
        await clock.checkpoint().until(Math.min(clock.shortMs, 300)); // the same again is then a little more
        const before = clock.checkpoint();
        await forEach(lives, async ([key, ms]) => give(store, key, durationOf(ms)));
        const after = clock.checkpoint();
        await forEach(lives, async ([key, ms]) => expectLeft(store, key, ms / 1_000, before));
        if (!clock.isFake) return;
        for (const [key, ms] of lives) await expectGoneInTime(context, key, before, after, ms);
      },
    },
    {
      rule,
      title: `an entry outlives an expiry that ${way} has moved on or taken away`,
      needs,
      waits: true,
      async run({ store, clock }: CaseContext) {
        const expiresIn = { milliseconds: clock.shortMs };
        const lives = Object.entries({ "a day": dayMs, Infinity: Number.POSITIVE_INFINITY });
        const before = clock.checkpoint();
        await forEach(lives, async ([key]) => store.set(key, "1", { expiresIn }));
        await forEach(lives, async ([key, ms]) => give(store, key, durationOf(ms)));
        if (before.atMostMs() >= clock.shortMs - resolutionMs) return; // they may have expired before
        await clock.checkpoint().until(clock.shortMs + resolutionMs);
        await clock.sleep(5);
        await forEach(lives, async ([key, ms]) => {
          expectValue(await store.get(key), "1", `get of an entry with ${key}, after its old expiry`);
          await expectLeft(store, key, ms / 1_000, before);
        });
      },
    },
  ];
}

function durationOf(ms: number): Duration {
  return Number.isFinite(ms) ? { milliseconds: ms } : ms;
}
