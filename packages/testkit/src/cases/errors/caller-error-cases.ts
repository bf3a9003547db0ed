import type { Duration, FullStore, ListOptions } from "@kv/core";
import type { ContractCase, Need } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { collect, collectEntries } from "../../support/collect.ts";
import { expectRejects, expectSame, expectThrows, expectValue, type Failure } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import {
  type CallsWith,
  callsWithDuration,
  callsWithKey,
  callsWithOptions,
  callsWithValue,
} from "../shared/calls-by-argument.ts";
import { forEach } from "../shared/for-each.ts";

const loneSurrogates = ["\ud800", "a\udc00b", "\udfff\ud800", "\ud83d"];

const noStrings: readonly unknown[] = [
  undefined,
  null,
  0,
  1,
  true,
  5n,
  Symbol("key"),
  {},
  [],
  ["kept"],
  Uint8Array.of(1),
  () => "kept",
];

const noValues: readonly unknown[] = [
  undefined,
  null,
  0,
  1,
  true,
  5n,
  Symbol("value"),
  {},
  [1, 2],
  new ArrayBuffer(2),
  new DataView(new ArrayBuffer(2)),
  Uint16Array.of(1),
  new Date(0),
  () => "value",
];

const notPositive: readonly unknown[] = [
  0,
  -0,
  -1,
  -0.001,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  "0s",
  "0ms",
  "-5s",
  { seconds: 0 },
  { seconds: -1 },
  { seconds: Number.NaN },
  { minutes: 0, seconds: 0 },
];

const tooLong: readonly unknown[] = [1_001 * 365.25 * 86_400, Number.MAX_VALUE, "400000d", { weeks: 60_000 }];

const noDurations: readonly unknown[] = [
  "",
  "5",
  "s",
  "5 s",
  " 5s",
  "5s ",
  "5S",
  "5M",
  "1y",
  "1mo",
  "5sec",
  "PT5S",
  "Infinity",
  { months: 1 },
  { years: 1 },
  { seconds: 5, months: 1 },
  { seconds: "5" },
  null,
  true,
  5n,
  Symbol("duration"),
  () => 5,
];

const wrongOptions: readonly unknown[] = [
  { ttl: 60 },
  { expiresin: 60 },
  { expires: 60 },
  { ex: 60 },
  { EX: 60 },
  { maxAge: 60 },
  { renewfor: 60 },
  null,
  60,
  "1h",
  true,
];

/** S5, T5 and E1: what is wrong in a call is refused, and nothing is written. */
export const callerErrorCases: readonly ContractCase[] = [
  ...refusals("S5", "a key with a lone surrogate is refused", callsWithKey, loneSurrogates, "TypeError"),
  ...refusals("S5", "a key that is no string is refused", callsWithKey, noStrings, "TypeError"),
  ...refusals("S5", "a value with a lone surrogate is refused", callsWithValue, loneSurrogates, "TypeError"),
  ...refusals(
    "S5",
    "a value that is neither string nor bytes is refused",
    callsWithValue,
    noValues,
    "TypeError",
  ),
  refusedOptions(
    "S5",
    "a prefix with a lone surrogate is refused",
    loneSurrogates.map((prefix) => ({ prefix })),
  ),
  refusedOptions(
    "S5",
    "a prefix that is no string is refused",
    noStrings.filter((prefix) => prefix !== undefined).map((prefix) => ({ prefix })),
  ),
  refusedOptions("E1", "unknown options of listings are refused", [
    { prefx: "kept" },
    { match: "kept*" },
    { prefix: "kept", limit: 1 },
    ...wrongOptions,
  ]),
  {
    rule: "S5",
    title: "of a key given twice to setMany the last value counts",
    needs: ["batch"],
    async run({ store }) {
      await store.setMany([
        ["key", "first"],
        ["other", "value"],
        ["key", "last"],
      ]);
      expectValue(await store.get("key"), "last", "get");
      expectValue(await store.get("other"), "value", "get of the other");
    },
  },
  ...refusals(
    "T5",
    "a duration that is not positive is refused",
    callsWithDuration,
    notPositive,
    "RangeError",
  ),
  ...refusals("T5", "more than 1,000 years are refused", callsWithDuration, tooLong, "RangeError"),
  ...refusals(
    "T5",
    "text without a unit, months, years and other types are refused",
    callsWithDuration,
    noDurations,
    "TypeError",
  ),
  {
    rule: "T5",
    title: "touch without a duration is refused",
    async run({ store }) {
      const none = undefined as unknown as Duration;
      await expectRejects(() => store.touch("key", none), "TypeError", "touch without a duration");
    },
  },
  ...refusals("E1", "unknown options are refused", callsWithOptions, wrongOptions, "TypeError or RangeError"),
  both("set", []),
  both("setMany", ["batch"]),
  both("compareAndSet", ["atomic"]),
  {
    rule: "E1",
    title: "what increment cannot add is refused",
    needs: ["atomic"],
    async run({ store }) {
      await store.set("kept", "5");
      for (const by of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53), "1", null, 5n, {}]) {
        await expectRejects(
          () => store.increment("kept", { by: by as number }),
          "TypeError or RangeError",
          `increment by ${inspect(by)}`,
        );
      }
      expectValue(await store.get("kept"), "5", "the entry after the refused calls");
    },
  },
  {
    rule: "E1",
    title: "what is no iterable of keys or entries is refused by batches",
    needs: ["batch"],
    async run({ store }) {
      await store.set("kept", "before");
      for (const wrong of [undefined, null, 5, true, "kept", {}, (async function* () {})()]) {
        const what = `of ${inspect(wrong)}`;
        await expectRejects(() => store.getMany(wrong as string[]), "TypeError", `getMany ${what}`);
        await expectRejects(() => store.deleteMany(wrong as string[]), "TypeError", `deleteMany ${what}`);
        await expectRejects(() => store.setMany(wrong as []), "TypeError", `setMany ${what}`);
      }
      for (const wrong of [["kept"], [undefined], [["kept"]], [{ key: "kept", value: "written" }]]) {
        await expectRejects(
          () => store.setMany(wrong as unknown as []),
          "TypeError or RangeError",
          `setMany of ${inspect(wrong)}`,
        );
      }
      expectValue(await store.get("kept"), "before", "the entry after the refused calls");
    },
  },
  {
    rule: "N3",
    title: "a name must be a string of 1 to 255 bytes, else it is refused immediately",
    needs: ["namespaces"],
    async run({ store }) {
      for (const name of [...noStrings, ...loneSurrogates]) {
        await expectThrows(
          () => store.withNamespace(name as string),
          "TypeError",
          `withNamespace(${inspect(name)})`,
        );
      }
      for (const name of ["", "x".repeat(256), "\u00e9".repeat(128), "\u{1f600}".repeat(64)]) {
        await expectThrows(() => store.withNamespace(name), "RangeError", `withNamespace(${inspect(name)})`);
      }
    },
  },
];

/** A case for the methods of every store, one for batches and one for atomic steps. */
function refusals<A>(
  rule: ContractCase["rule"],
  title: string,
  groups: readonly CallsWith<A>[],
  wrong: readonly unknown[],
  failure: Failure,
): ContractCase[] {
  return groups.map(({ by, needs, calls }) => ({
    rule,
    title: `${title}${by}, and nothing is written`,
    needs,
    async run({ store }) {
      await store.set("kept", "before", { expiresIn: "10h" });
      for (const [method, call] of Object.entries(calls)) {
        await forEach(wrong, async (argument) =>
          expectRejects(() => call(store, argument as A), failure, `${method}, given ${inspect(argument)}`),
        );
        await expectUnchanged(store, `after ${method}, given one of ${inspect(wrong)}`);
      }
    },
  }));
}

/** A case for the listings: what is refused never passes for an empty one. */
function refusedOptions(rule: ContractCase["rule"], title: string, wrong: readonly unknown[]): ContractCase {
  return {
    rule,
    title,
    needs: ["listing"],
    async run({ store }) {
      await store.set("kept", "before");
      await forEach(wrong, async (each) => {
        const options = each as ListOptions;
        const what = `with ${inspect(each)}`;
        await expectRejects(() => collect(store.keys(options)), "TypeError", `keys ${what}`);
        await expectRejects(() => collectEntries(store.entries(options)), "TypeError", `entries ${what}`);
      });
    },
  };
}

/** Keys under which a wrong key or value may have been stored. */
const mistaken = [
  "other",
  "",
  "\ufffd",
  "a\ufffdb",
  "\ufffd\ufffd",
  "undefined",
  "null",
  "0",
  "1",
  "true",
  "[object Object]",
];

async function expectUnchanged(store: FullStore, when: string): Promise<void> {
  const [value, left, there] = await Promise.all([
    store.get("kept"),
    store.expiresIn("kept"),
    Promise.all(mistaken.map(async (key) => store.exists(key))),
  ]);
  expectValue(value, "before", `the entry ${when}`);
  if (left === undefined || left > 36_000.01 || left < 3_600) {
    throw new ExpectationError(`expiresIn ${when}: the 10 hours that it was set with`, inspect(left));
  }
  for (const [at, key] of mistaken.entries()) expectSame(there[at], false, `exists(${inspect(key)}) ${when}`);
}

function both(method: "set" | "setMany" | "compareAndSet", needs: readonly Need[]): ContractCase {
  return {
    rule: "T2",
    title: `${method} refuses expiresIn together with keepExpiry, and a keepExpiry that is not true or false`,
    needs,
    async run({ store }) {
      await store.set("kept", "before", { expiresIn: "10h" });
      for (const wrong of [{ expiresIn: "1h", keepExpiry: true }, { keepExpiry: "yes" }, { keepExpiry: 1 }]) {
        const options = wrong as object;
        const call = {
          set: () => store.set("kept", "written", options),
          setMany: () => store.setMany([["kept", "written"]], options),
          compareAndSet: () => store.compareAndSet("kept", "before", "written", options),
        }[method];
        await expectRejects(call, "TypeError or RangeError", `${method} with ${inspect(wrong)}`);
        await expectUnchanged(store, `after ${method} with ${inspect(wrong)}`);
      }
    },
  };
}
