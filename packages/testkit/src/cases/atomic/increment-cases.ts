import type { ContractCase } from "../../contract/contract-case.ts";
import { resolutionMs } from "../../contract/test-clock.ts";
import {
  expectBetween,
  expectRejects,
  expectSame,
  expectSameSet,
  expectValue,
} from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { inspect } from "../../support/inspect.ts";
import { concurrently, storeOf } from "../shared/concurrently.ts";
import { forEach } from "../shared/for-each.ts";
import { expectLeft } from "../time/expiry-cases.ts";

const noIntegers: readonly (string | Uint8Array)[] = [
  "-0",
  "+1",
  "01",
  "00",
  "-01",
  "--1",
  "-",
  " 1",
  "1 ",
  "1\n",
  "1.0",
  "1.5",
  "1e3",
  "0x10",
  "1_000",
  "1,000",
  "1n",
  "",
  " ",
  "NaN",
  "Infinity",
  "null",
  "true",
  "\u0661", // an Arabic digit one
  "9007199254740992",
  "-9007199254740992",
  "9007199254740993",
  "99999999999999999999",
  Uint8Array.of(0x31, 0x00),
  Uint8Array.of(0xff, 0x31),
  Uint8Array.of(0x01),
];

/** A1: increment. */
export const incrementCases: readonly ContractCase[] = [
  {
    rule: "A1",
    title: "increment counts from 0, by 1 or by what it is told, down too",
    needs: ["atomic"],
    async run({ store }) {
      expectSame((await store.increment("key")).value, 1, "the first increment");
      expectSame((await store.increment("key", { by: 41 })).value, 42, "increment by 41");
      expectSame((await store.increment("key", { by: -50 })).value, -8, "increment by -50");
      expectSame((await store.increment("key", { by: 0 })).value, -8, "increment by 0");
      expectSame((await store.increment("key", { by: 8 })).value, 0, "increment by 8");
      expectValue(await store.get("key"), "0", "get");
      expectSame((await store.increment("zero", { by: -0 })).value, 0, "increment by -0");
      expectValue(await store.get("zero"), "0", "get of what began by -0");
      expectSame((await store.increment("down", { by: -3 })).value, -3, "a first increment by -3");
      expectValue(await store.get("down"), "-3", "get of what began by -3");
    },
  },
  {
    rule: "A1",
    title: "increment adds to decimal text, up to the ends of the safe integers",
    needs: ["atomic"],
    async run({ store }) {
      for (const [text, by, sum] of [
        ["0", 1, 1],
        ["-1", 1, 0],
        ["41", 1, 42],
        ["-100", 1, -99],
        ["9007199254740990", 1, Number.MAX_SAFE_INTEGER],
        ["-9007199254740990", -1, Number.MIN_SAFE_INTEGER],
        ["-9007199254740991", Number.MAX_SAFE_INTEGER, 0],
        ["0", Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
        ["0", Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
        ["4503599627370497", 4_503_599_627_370_494, Number.MAX_SAFE_INTEGER],
      ] as const) {
        await store.set("key", text);
        expectSame((await store.increment("key", { by })).value, sum, `increment of ${text} by ${by}`);
        expectValue(await store.get("key"), String(sum), "get");
      }
    },
  },
  {
    rule: "A1",
    title: "other text is refused and left as it is, with its expiry",
    needs: ["atomic"],
    async run({ store, clock }) {
      await forEach(noIntegers, async (text, at) => {
        const key = `key ${at}`;
        const before = clock.checkpoint();
        await store.set(key, text, { expiresIn: "1h" });
        for (const by of [1, 0, -1]) {
          await expectRejects(
            () => store.increment(key, { by, expiresIn: "2h" }),
            "KV_NOT_AN_INTEGER",
            `increment of ${inspect(text)} by ${by}`,
          );
        }
        expectValue(await store.get(key), text, "get after the refusal");
        await expectLeft(store, key, 3_600, before);
      });
    },
  },
  {
    rule: "A1",
    title: "a result beyond the safe integers is refused and the entry left as it is",
    needs: ["atomic"],
    async run({ store }) {
      for (const [text, by] of [
        ["9007199254740991", 1],
        ["-9007199254740991", -1],
        ["1", Number.MAX_SAFE_INTEGER],
        ["9007199254740991", Number.MAX_SAFE_INTEGER],
        ["-2", Number.MIN_SAFE_INTEGER],
      ] as const) {
        await store.set("key", text);
        await expectRejects(
          () => store.increment("key", { by }),
          "KV_NOT_AN_INTEGER",
          `increment of ${text} by ${by}`,
        );
        expectValue(await store.get("key"), text, "get after the refusal");
      }
    },
  },
  {
    rule: "A1",
    title: "expiresIn counts only when increment creates the entry",
    needs: ["atomic"],
    async run({ store, clock }) {
      const before = clock.checkpoint();
      const first = await store.increment("key", { expiresIn: "1h" });
      expectBetween(
        first.expiresIn,
        3_600 - before.atMostMs() / 1_000 - 0.002,
        3_600.002,
        "expiresIn of the first",
      );
      for (const options of [{ expiresIn: "3h" as const }, { expiresIn: "1m" as const }, {}, undefined]) {
        const { expiresIn } = await store.increment("key", options);
        expectBetween(
          expiresIn,
          3_600 - before.atMostMs() / 1_000 - 0.002,
          3_600.002,
          "expiresIn of a later one",
        );
        await expectLeft(store, "key", 3_600, before);
      }
      for (const make of [() => store.increment("endless"), () => store.set("endless", "1")]) {
        await store.delete("endless");
        await make();
        const { expiresIn } = await store.increment("endless", { expiresIn: "1h" });
        expectSame(expiresIn, Number.POSITIVE_INFINITY, "expiresIn of an increment of an endless entry");
        expectSame(
          await store.expiresIn("endless"),
          Number.POSITIVE_INFINITY,
          "expiresIn of an endless entry",
        );
      }
    },
  },
  {
    rule: "A1",
    title: "a window does not move with its increments, and a new one begins when it is over",
    needs: ["atomic"],
    waits: true,
    async run({ store, clock }) {
      await store.increment("long", { expiresIn: "10h" });
      const created = clock.checkpoint();
      await created.until(clock.shortMs);
      const { expiresIn } = await store.increment("long", { expiresIn: "10h" });
      expectBetween(expiresIn, 0, 36_000 - clock.shortMs / 1_000 + 0.002, "expiresIn of a later increment");

      const window = { milliseconds: clock.shortMs };
      for (let count = 0; count < 3; count += 1) await store.increment("short", { expiresIn: window });
      await clock.checkpoint().until(clock.shortMs + resolutionMs);
      expectSame(
        (await store.increment("short", { expiresIn: window })).value,
        1,
        "increment in a new window",
      );
    },
  },
  ...concurrently({
    rule: "A1",
    title: "no increment is lost or counted twice",
    needs: ["atomic"],
    async run(stores) {
      const steps = inFlight(
        Array.from({ length: 200 }, async (_, at) =>
          storeOf(stores, at).increment("key", { expiresIn: "1h" }),
        ),
      );
      const values = (await Promise.all(steps)).map(({ value }) => String(value));
      expectSameSet(
        values,
        Array.from({ length: 200 }, (_, at) => String(at + 1)),
        "the values of 200 increments",
      );
      expectValue(await stores[0].get("key"), "200", "get");
    },
  }),
  ...concurrently({
    rule: "A1",
    title: "increments by different amounts add up exactly",
    needs: ["atomic"],
    async run(stores) {
      const amounts = Array.from({ length: 100 }, (_, at) => (at % 3 === 0 ? -at : at * 7));
      await Promise.all(amounts.map(async (by, at) => storeOf(stores, at).increment("key", { by })));
      const sum = amounts.reduce((total, by) => total + by, 0);
      expectValue(await stores[1].get("key"), String(sum), "get");
    },
  }),
];
