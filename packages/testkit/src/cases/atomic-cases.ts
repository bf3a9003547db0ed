import type { FullStore } from "@kv/core";
import { utf8 } from "@kv/core/driver";
import type { ContractCase } from "../contract-case.ts";
import { expectBetween, expectRejects, expectSame, expectSameSet, expectValue } from "../expect.ts";
import { resolutionMs } from "../passing.ts";
import { shown } from "../shown.ts";
import { expectLeft } from "./expiry-cases.ts";
import { together } from "./together-cases.ts";

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

/** Near misses of the value `expected`. */
const almost: readonly (string | Uint8Array)[] = [
  "",
  "expecte",
  "expected ",
  "expected\0",
  "Expected",
  " expected",
  "xpected",
  "expected\n",
  Uint8Array.of(0x65),
];

/** A1 to A3: steps that are exact whoever else calls. */
export const atomicCases: readonly ContractCase[] = [
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
    async run({ store, time }) {
      for (const text of noIntegers) {
        const before = time.mark();
        await store.set("key", text, { expiresIn: "1h" });
        for (const by of [1, 0, -1]) {
          await expectRejects(
            () => store.increment("key", { by, expiresIn: "2h" }),
            "KV_NOT_AN_INTEGER",
            `increment of ${shown(text)} by ${by}`,
          );
        }
        expectValue(await store.get("key"), text, "get after the refusal");
        await expectLeft(store, "key", 3_600, before);
      }
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
    async run({ store, time }) {
      const before = time.mark();
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
    async run({ store, time }) {
      await store.increment("long", { expiresIn: "10h" });
      const created = time.mark();
      await created.until(time.shortMs);
      const { expiresIn } = await store.increment("long", { expiresIn: "10h" });
      expectBetween(expiresIn, 0, 36_000 - time.shortMs / 1_000 + 0.002, "expiresIn of a later increment");

      const window = { milliseconds: time.shortMs };
      for (let count = 0; count < 3; count += 1) await store.increment("short", { expiresIn: window });
      await time.mark().until(time.shortMs + resolutionMs);
      expectSame(
        (await store.increment("short", { expiresIn: window })).value,
        1,
        "increment in a new window",
      );
    },
  },
  ...together({
    rule: "A1",
    title: "no increment is lost or counted twice",
    needs: ["atomic"],
    async run(stores) {
      const steps = Array.from({ length: 200 }, async (_, at) =>
        storeOf(stores, at).increment("key", { expiresIn: "1h" }),
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
  ...together({
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
  {
    rule: "A2",
    title: "setIfAbsent writes only where nothing is, an empty value being something",
    needs: ["atomic"],
    async run({ store, time }) {
      const before = time.mark();
      expectSame(await store.setIfAbsent("key", "first", { expiresIn: "1h" }), true, "the first setIfAbsent");
      expectSame(
        await store.setIfAbsent("key", "second", { expiresIn: "2h" }),
        false,
        "the second setIfAbsent",
      );
      expectValue(await store.get("key"), "first", "get");
      await expectLeft(store, "key", 3_600, before);
      await store.set("empty", "");
      expectSame(await store.setIfAbsent("empty", "value"), false, "setIfAbsent over an empty value");
      await store.delete("key");
      expectSame(await store.setIfAbsent("key", "third"), true, "setIfAbsent after delete");
      expectSame(
        await store.expiresIn("key"),
        Number.POSITIVE_INFINITY,
        "expiresIn after setIfAbsent without options",
      );
    },
  },
  ...together({
    rule: "A2",
    title: "of many setIfAbsent exactly one wins, and its value stays",
    needs: ["atomic"],
    async run(stores) {
      for (let round = 0; round < 20; round += 1) {
        const key = `round ${round}`;
        const tries = Array.from({ length: 12 }, async (_, at) =>
          storeOf(stores, at).setIfAbsent(key, `caller ${at}`),
        );
        const won = await Promise.all(tries);
        expectSame(won.filter(Boolean).length, 1, "how many got true");
        expectValue(await stores[0].get(key), `caller ${won.indexOf(true)}`, "get");
      }
    },
  }),
  {
    rule: "A3",
    title: "compareAndSet and compareAndDelete act only on exactly the expected bytes",
    needs: ["atomic"],
    async run({ store }) {
      await store.set("key", "expected");
      for (const other of almost) {
        expectSame(
          await store.compareAndSet("key", other, "changed"),
          false,
          `compareAndSet from ${shown(other)}`,
        );
        expectSame(await store.compareAndDelete("key", other), false, `compareAndDelete of ${shown(other)}`);
        expectValue(await store.get("key"), "expected", "get");
      }
      expectSame(
        await store.compareAndSet("key", utf8("expected"), "next"),
        true,
        "compareAndSet from bytes",
      );
      expectValue(await store.get("key"), "next", "get");
      expectSame(await store.compareAndSet("key", "next", "next"), true, "compareAndSet to the same value");
      expectSame(await store.compareAndDelete("key", "next"), true, "compareAndDelete");
      expectSame(await store.exists("key"), false, "exists after compareAndDelete");
    },
  },
  {
    rule: "A3",
    title: "compareAndSet and compareAndDelete compare any bytes, the empty value and a large one too",
    needs: ["atomic"],
    async run({ store }) {
      const large = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 7) & 0xff);
      const nearly = large.slice();
      nearly[99_999] = (nearly[99_999] ?? 0) ^ 1;
      for (const value of ["", Uint8Array.of(0), Uint8Array.of(0xff, 0xfe, 0x00, 0x80), large]) {
        await store.set("key", value);
        expectSame(
          await store.compareAndSet("key", nearly, "changed"),
          false,
          "compareAndSet from other bytes",
        );
        expectSame(
          await store.compareAndSet("key", value, value),
          true,
          `compareAndSet from ${shown(value)}`,
        );
        expectValue(await store.get("key"), value, "get");
        expectSame(await store.compareAndDelete("key", nearly), false, "compareAndDelete of other bytes");
        expectSame(await store.compareAndDelete("key", value), true, `compareAndDelete of ${shown(value)}`);
      }
    },
  },
  {
    rule: "A3",
    title: "bytes that read as the same text are not the same",
    needs: ["atomic"],
    async run({ store }) {
      // No UTF-8, each of them: read as text, each is the replacement character.
      for (const [value, other] of [
        [Uint8Array.of(0xff), Uint8Array.of(0xfe)],
        [Uint8Array.of(0x80), "\ufffd"],
        ["\ufffd", Uint8Array.of(0xc3)],
      ] as const) {
        await store.set("key", value);
        expectSame(
          await store.compareAndSet("key", other, "changed"),
          false,
          `compareAndSet from ${shown(other)}`,
        );
        expectSame(await store.compareAndDelete("key", other), false, `compareAndDelete of ${shown(other)}`);
        expectValue(await store.get("key"), value, "get");
      }
    },
  },
  ...together({
    rule: "A3",
    title: "counting by compareAndSet loses no step",
    needs: ["atomic"],
    async run(stores) {
      await stores[0].set("key", "0");
      const counters = Array.from({ length: 6 }, async (_, at) => countBySwapping(storeOf(stores, at), 10));
      await Promise.all(counters);
      expectValue(await stores[0].get("key"), "60", "get");
    },
  }),
  ...together({
    rule: "A3",
    title: "of many compareAndDelete exactly one deletes",
    needs: ["atomic"],
    async run(stores) {
      for (let round = 0; round < 10; round += 1) {
        await stores[0].set("key", `round ${round}`);
        const tries = Array.from({ length: 10 }, async (_, at) =>
          storeOf(stores, at).compareAndDelete("key", `round ${round}`),
        );
        expectSame((await Promise.all(tries)).filter(Boolean).length, 1, "how many got true");
      }
    },
  }),
  ...together({
    rule: "A3",
    title: "of compareAndSet and compareAndDelete from one value exactly one acts",
    needs: ["atomic"],
    async run(stores) {
      for (let round = 0; round < 10; round += 1) {
        await stores[0].set("key", "old");
        const tries = Array.from({ length: 10 }, async (_, at) =>
          at % 2 === 0
            ? storeOf(stores, at >> 1).compareAndSet("key", "old", `new ${at}`)
            : storeOf(stores, at >> 1).compareAndDelete("key", "old"),
        );
        const acted = await Promise.all(tries);
        expectSame(acted.filter(Boolean).length, 1, "how many got true");
        const winner = acted.indexOf(true);
        expectValue(await stores[1].get("key"), winner % 2 === 0 ? `new ${winner}` : undefined, "get");
      }
    },
  }),
];

function storeOf([one, two]: readonly [FullStore, FullStore], at: number): FullStore {
  return at % 2 === 0 ? one : two;
}

async function countBySwapping(store: FullStore, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const value = await store.get("key");
    if (value === undefined) throw new Error("the entry was gone while it was counted up");
    const count = Number(new TextDecoder().decode(value));
    if (await store.compareAndSet("key", value, String(count + 1))) done += 1;
  }
}
