import type { FullStore } from "@kv/core";
import { utf8 } from "@kv/core/driver";
import type { ContractCase } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { expectSame, expectTrue, expectValue } from "../../support/expect.ts";
import { inFlight } from "../../support/in-flight.ts";
import { inspect } from "../../support/inspect.ts";
import { concurrently, storeOf } from "../shared/concurrently.ts";
import { expectLeft } from "../time/expiry-cases.ts";

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

/** A2 and A3: steps that look first, and act in the same step. */
export const compareCases: readonly ContractCase[] = [
  {
    rule: "A2",
    title: "setIfAbsent writes only where nothing is, an empty value being something",
    needs: ["atomic"],
    async run({ store, clock }) {
      const before = clock.checkpoint();
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
  ...concurrently({
    rule: "A2",
    title: "of many setIfAbsent exactly one wins, and its value stays",
    needs: ["atomic"],
    async run(stores) {
      for (let round = 0; round < 20; round += 1) {
        const key = `round ${round}`;
        const tries = inFlight(
          Array.from({ length: 12 }, async (_, at) => storeOf(stores, at).setIfAbsent(key, `caller ${at}`)),
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
          `compareAndSet from ${inspect(other)}`,
        );
        expectSame(
          await store.compareAndDelete("key", other),
          false,
          `compareAndDelete of ${inspect(other)}`,
        );
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
          `compareAndSet from ${inspect(value)}`,
        );
        expectValue(await store.get("key"), value, "get");
        expectSame(await store.compareAndDelete("key", nearly), false, "compareAndDelete of other bytes");
        expectSame(await store.compareAndDelete("key", value), true, `compareAndDelete of ${inspect(value)}`);
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
          `compareAndSet from ${inspect(other)}`,
        );
        expectSame(
          await store.compareAndDelete("key", other),
          false,
          `compareAndDelete of ${inspect(other)}`,
        );
        expectValue(await store.get("key"), value, "get");
      }
    },
  },
  ...concurrently({
    rule: "A3",
    title: "counting by compareAndSet loses no step",
    needs: ["atomic"],
    async run(stores) {
      await stores[0].set("key", "0");
      const counters = inFlight(
        Array.from({ length: 5 }, async (_, at) => countBySwapping(storeOf(stores, at), 6, 30)),
      );
      await Promise.all(counters);
      expectValue(await stores[0].get("key"), "30", "get");
    },
  }),
  ...concurrently({
    rule: "A3",
    title: "of many compareAndDelete exactly one deletes",
    needs: ["atomic"],
    async run(stores) {
      for (let round = 0; round < 10; round += 1) {
        await stores[0].set("key", `round ${round}`);
        const tries = inFlight(
          Array.from({ length: 10 }, async (_, at) =>
            storeOf(stores, at).compareAndDelete("key", `round ${round}`),
          ),
        );
        expectSame((await Promise.all(tries)).filter(Boolean).length, 1, "how many got true");
      }
    },
  }),
  ...concurrently({
    rule: "A3",
    title: "of compareAndSet and compareAndDelete from one value exactly one acts",
    needs: ["atomic"],
    async run(stores) {
      for (let round = 0; round < 10; round += 1) {
        await stores[0].set("key", "old");
        const tries = inFlight(
          Array.from({ length: 10 }, async (_, at) =>
            at % 2 === 0
              ? storeOf(stores, at >> 1).compareAndSet("key", "old", `new ${at}`)
              : storeOf(stores, at >> 1).compareAndDelete("key", "old"),
          ),
        );
        const acted = await Promise.all(tries);
        expectSame(acted.filter(Boolean).length, 1, "how many got true");
        const winner = acted.indexOf(true);
        expectValue(await stores[1].get("key"), winner % 2 === 0 ? `new ${winner}` : undefined, "get");
      }
    },
  }),
];

/** A try fails because another's has succeeded since: so there are at most as many tries as all take steps together. */
async function countBySwapping(store: FullStore, times: number, mostTries: number): Promise<void> {
  let done = 0;
  for (let tries = 0; done < times; tries += 1) {
    expectTrue(tries < mostTries, `${times} steps in at most ${mostTries} tries`, `${done} steps`);
    const value = await store.get("key");
    if (value === undefined)
      throw new ExpectationError("the entry there while it is counted up", "undefined");
    const count = Number(new TextDecoder().decode(value));
    if (await store.compareAndSet("key", value, String(count + 1))) done += 1;
  }
}
