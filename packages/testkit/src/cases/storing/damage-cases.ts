import { type FullStore, isStoreError } from "@kv/core";
import type { ContractCase, Need } from "../../contract/contract-case.ts";
import { ExpectationError } from "../../contract/expectation-error.ts";
import { collect } from "../../support/collect.ts";
import { expectRejects, expectSame, expectSameSet, expectTrue, expectValue } from "../../support/expect.ts";
import { inspect } from "../../support/inspect.ts";
import { drain } from "../shared/drain.ts";
import { forEach } from "../shared/for-each.ts";

const digits = "12345678901234";
const text = "a value of some length";

/** Calls on a damaged entry that leave it as it is, by the capability that they need. */
interface DamageGroup {
  /** Ends a title. */
  readonly by: string;
  readonly needs: readonly Need[];
  readonly calls: Readonly<Record<string, DamageCall>>;
}

interface DamageCall {
  readonly call: (store: FullStore, key: string) => Promise<unknown>;
  /** Tells whether an answer is no lie. Default: none is, and the call must reject. */
  readonly isTrue?: (answer: unknown) => boolean;
}

const groups: readonly DamageGroup[] = [
  {
    by: "",
    needs: [],
    calls: {
      get: { call: (store, key) => store.get(key) },
      "get with renewFor": { call: (store, key) => store.get(key, { renewFor: "1h" }) },
      touch: { call: (store, key) => store.touch(key, "1h"), isTrue: (answer) => answer === true },
      exists: { call: (store, key) => store.exists(key), isTrue: (answer) => answer === true },
      expiresIn: {
        call: (store, key) => store.expiresIn(key),
        isTrue: (answer) => typeof answer === "number" && answer > 0,
      },
    },
  },
  {
    by: " by batches",
    needs: ["batch"],
    calls: {
      "getMany, first": { call: (store, key) => store.getMany([key, "healthy"]) },
      "getMany, last": { call: (store, key) => store.getMany(["healthy", "missing", key]) },
      "getMany, twice": { call: (store, key) => store.getMany([key, key]) },
    },
  },
  {
    by: " by atomic steps",
    needs: ["atomic"],
    calls: {
      increment: { call: (store, key) => store.increment(key) },
      "increment with expiresIn": { call: (store, key) => store.increment(key, { expiresIn: "1h" }) },
      setIfAbsent: {
        call: (store, key) => store.setIfAbsent(key, "written"),
        isTrue: (answer) => answer === false,
      },
      "compareAndSet from what it was": { call: (store, key) => store.compareAndSet(key, digits, "written") },
      "compareAndSet from nothing": {
        call: (store, key) => store.compareAndSet(key, "", "written"),
        isTrue: (answer) => answer === false,
      },
      "compareAndDelete of what it was": { call: (store, key) => store.compareAndDelete(key, digits) },
      "compareAndDelete of nothing": {
        call: (store, key) => store.compareAndDelete(key, ""),
        isTrue: (answer) => answer === false,
      },
    },
  },
];

/** Calls on a damaged entry that put another in its place, or none. */
interface HealingGroup {
  readonly by: string;
  readonly needs: readonly Need[];
  readonly calls: Readonly<Record<string, Healing>>;
}

interface Healing {
  readonly call: (store: FullStore, key: string) => Promise<unknown>;
  /** Default: none. */
  readonly answer?: unknown;
  /** The value that it leaves. Default: no entry. */
  readonly leaves?: string;
}

const healings: readonly HealingGroup[] = [
  {
    by: "",
    needs: [],
    calls: {
      set: { call: (store, key) => store.set(key, "again"), leaves: "again" },
      "set with expiresIn": {
        call: (store, key) => store.set(key, "again", { expiresIn: "1h" }),
        leaves: "again",
      },
      "set with keepExpiry": {
        call: (store, key) => store.set(key, "again", { keepExpiry: true }),
        leaves: "again",
      },
      delete: { call: (store, key) => store.delete(key), answer: true },
    },
  },
  {
    by: " by batches",
    needs: ["batch"],
    calls: {
      setMany: { call: (store, key) => store.setMany([[key, "again"]]), leaves: "again" },
      "setMany with expiresIn": {
        call: (store, key) => store.setMany([[key, "again"]], { expiresIn: "1h" }),
        leaves: "again",
      },
      "setMany with keepExpiry": {
        call: (store, key) => store.setMany([[key, "again"]], { keepExpiry: true }),
        leaves: "again",
      },
      deleteMany: { call: (store, key) => store.deleteMany(["missing", key]), answer: 1 },
    },
  },
];

/** S7: damage is told as damage, and harms nothing else. */
export const damageCases: readonly ContractCase[] = [
  {
    rule: "S7",
    title: "a damaged entry is KV_CORRUPT, a set heals it and a delete removes it",
    needs: ["damage"],
    rootOnly: true,
    async run({ store, damage }) {
      for (const key of ["healed", "deleted", "other"]) await store.set(key, "a value of some length");
      await damage("healed");
      await damage("deleted");
      for (const key of ["healed", "deleted"]) {
        await expectRejects(() => store.get(key), "KV_CORRUPT", `get(${inspect(key)})`);
        await expectRejects(
          () => store.get(key, { renewFor: "1h" }),
          "KV_CORRUPT",
          `get(${inspect(key)}) with renewFor`,
        );
      }
      expectValue(await store.get("other"), "a value of some length", "get of an undamaged entry");
      await store.set("healed", "again");
      expectValue(await store.get("healed"), "again", "get after set");
      await store.delete("deleted");
      expectValue(await store.get("deleted"), undefined, "get after delete");
      expectSame(await store.exists("deleted"), false, "exists after delete");
    },
  },
  {
    rule: "S7",
    title: "a damaged entry is KV_CORRUPT in batches",
    needs: ["damage", "batch"],
    rootOnly: true,
    async run({ store, damage }) {
      await store.setMany([
        ["damaged", "a value of some length"],
        ["other", "value"],
      ]);
      await damage("damaged");
      await expectRejects(() => store.getMany(["other", "damaged"]), "KV_CORRUPT", "getMany");
      await store.setMany([["damaged", "again"]]);
      expectValue(await store.get("damaged"), "again", "get after setMany");
    },
  },
  {
    rule: "S7",
    title: "a damaged entry is KV_CORRUPT for atomic steps, never nothing",
    needs: ["damage", "atomic"],
    rootOnly: true,
    async run({ store, damage }) {
      await store.set("damaged", "12345678901234");
      await damage("damaged");
      await expectRejects(() => store.increment("damaged"), "KV_CORRUPT", "increment");
      await expectRejects(
        () => store.compareAndSet("damaged", "12345678901234", "x"),
        "KV_CORRUPT",
        "compareAndSet",
      );
      await expectRejects(
        () => store.compareAndDelete("damaged", "12345678901234"),
        "KV_CORRUPT",
        "compareAndDelete",
      );
      await expectRejects(() => store.take("damaged"), "KV_CORRUPT", "take");
      await expectRejects(() => store.get("damaged"), "KV_CORRUPT", "get");
    },
  },
  ...groups.map(
    ({ by, needs, calls }): ContractCase => ({
      rule: "S7",
      title: `no call takes a damaged entry for none or for a good one, or changes it${by}`,
      needs: ["damage", ...needs],
      rootOnly: true,
      async run({ store, damage }) {
        await store.set("healthy", text);
        await Promise.all(Object.keys(calls).map((method) => store.set(method, digits)));
        for (const [method, { call, isTrue }] of Object.entries(calls)) {
          await damage(method);
          for (const time of ["", ", again"])
            await expectNoLie(() => call(store, method), isTrue, `${method} of a damaged entry${time}`);
        }
        expectValue(await store.get("healthy"), text, "get of an undamaged entry");
        for (const method of Object.keys(calls))
          await expectRejects(() => store.get(method), "KV_CORRUPT", `get, later, after ${method}`);
      },
    }),
  ),
  ...healings.map(
    ({ by, needs, calls }): ContractCase => ({
      rule: "S7",
      title: `every set heals a damaged entry, and every delete removes it${by}`,
      needs: ["damage", ...needs],
      rootOnly: true,
      async run({ store, damage }) {
        const keys = Object.keys(calls);
        await forEach(keys, (key) => store.set(key, text, { expiresIn: "1h" }));
        for (const key of keys) await damage(key);
        await forEach(Object.entries(calls), async ([key, { call, answer, leaves }]) => {
          expectSame(await call(store, key), answer, `the answer of ${key} of a damaged entry`);
          expectValue(await store.get(key), leaves, `get after ${key} of a damaged entry`);
          expectSame(await store.exists(key), leaves !== undefined, `exists after ${key} of a damaged entry`);
        });
      },
    }),
  ),
  {
    rule: "S7",
    title: "what heals or removes a damaged entry leaves nothing of it",
    needs: ["damage"],
    rootOnly: true,
    async run({ store, damage }) {
      for (const key of ["healed", "deleted"]) {
        await store.set(key, text, { expiresIn: "1h" });
        await damage(key);
      }
      await store.set("healed", "again");
      expectSame(await store.expiresIn("healed"), Number.POSITIVE_INFINITY, "expiresIn after set");
      expectSame(await store.delete("deleted"), true, "delete of a damaged entry");
      expectSame(await store.delete("deleted"), false, "delete, again");
      expectSame(await store.expiresIn("deleted"), undefined, "expiresIn after delete");
      await store.set("deleted", "new", { keepExpiry: true });
      expectSame(await store.expiresIn("deleted"), Number.POSITIVE_INFINITY, "expiresIn of a new entry");
    },
  },
  {
    rule: "S7",
    title: "deleteMany removes damaged entries and counts them",
    needs: ["damage", "batch"],
    rootOnly: true,
    async run({ store, damage }) {
      const keys = ["one", "two", "three"];
      await store.setMany(keys.map((key) => [key, text]));
      await damage("two");
      expectSame(await store.deleteMany(keys), 3, "deleteMany");
      for (const key of keys) expectSame(await store.exists(key), false, `exists(${inspect(key)})`);
    },
  },
  {
    rule: "S7",
    title: "where a damaged entry was deleted, atomic steps find nothing",
    needs: ["damage", "atomic"],
    rootOnly: true,
    async run({ store, damage }) {
      for (const key of ["increment", "setIfAbsent"]) {
        await store.set(key, digits);
        await damage(key);
        await store.delete(key);
      }
      expectSame((await store.increment("increment")).value, 1, "the value of increment");
      expectSame(await store.setIfAbsent("setIfAbsent", "new"), true, "setIfAbsent");
    },
  },
  {
    rule: "N2",
    title: "deleteAll removes damaged entries too",
    needs: ["damage"],
    rootOnly: true,
    async run({ store, damage }) {
      await Promise.all(["damaged", "healthy"].map((key) => store.set(key, text)));
      await damage("damaged");
      await store.deleteAll();
      for (const key of ["damaged", "healthy"]) {
        expectValue(await store.get(key), undefined, `get(${inspect(key)}) after deleteAll`);
        expectSame(await store.exists(key), false, `exists(${inspect(key)}) after deleteAll`);
      }
    },
  },
  {
    rule: "N6",
    title: "a damaged entry hides no other from keys, and is not left out of them without KV_CORRUPT",
    needs: ["damage", "listing"],
    rootOnly: true,
    async run({ store, damage }) {
      const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`);
      const damaged = ["key 0", "key 17", "key 39"];
      await Promise.all(keys.map((key) => store.set(key, text)));
      for (const key of damaged) await damage(key);
      for (const prefix of ["", "key"]) {
        const seen = new Set<unknown>();
        const listing = store.keys({ prefix })[Symbol.asyncIterator]();
        const [ended] = await Promise.allSettled([drain(listing, seen)]);
        const missing = keys.filter((key) => !seen.has(key));
        if (ended.status === "fulfilled") expectSame(missing.join(), "", "keys: those that are missing");
        else {
          await expectRejects(() => Promise.reject(ended.reason), "KV_CORRUPT", "keys");
          expectTrue(
            missing.every((key) => damaged.includes(key)),
            "keys: all healthy ones before the rejection",
            `without ${inspect(missing.filter((key) => !damaged.includes(key)))}`,
          );
        }
      }
    },
  },
  {
    rule: "N1",
    title: "a damaged entry touches no namespace beside or below it",
    needs: ["damage", "namespaces"],
    rootOnly: true,
    async run({ store, damage, harness }) {
      const child = store.withNamespace("child");
      await Promise.all([store, child].map((each) => each.set("key", text)));
      await damage("key");
      expectValue(await child.get("key"), text, "get in a namespace");
      if (!harness.capabilities.includes("listing")) return;
      expectSameSet(await collect(store.namespaces()), ["child"], "namespaces");
      expectSameSet(await collect(child.keys()), ["key"], "keys of a namespace");
    },
  },
  {
    rule: "T6",
    title: "deleteExpired leaves damaged entries",
    needs: ["damage", "expiry"],
    rootOnly: true,
    async run({ store, damage }) {
      await Promise.all(["damaged", "healthy"].map((key) => store.set(key, text)));
      await damage("damaged");
      await expectNoLie(
        () => store.deleteExpired(),
        (answer) => answer === 0,
        "deleteExpired",
      );
      await expectRejects(() => store.get("damaged"), "KV_CORRUPT", "get after deleteExpired");
      expectValue(await store.get("healthy"), text, "get of an undamaged entry");
    },
  },
];

/** Expects KV_CORRUPT, or an answer that is no lie. */
async function expectNoLie(
  call: () => Promise<unknown>,
  isTrue: (answer: unknown) => boolean = () => false,
  what: string,
): Promise<void> {
  let answer: unknown;
  try {
    answer = await call();
  } catch (error) {
    if (isStoreError(error, "KV_CORRUPT")) return;
    throw new ExpectationError(`${what}: KV_CORRUPT`, inspect(error), { cause: error });
  }
  expectTrue(isTrue(answer), `${what}: KV_CORRUPT, or an answer that there is an entry`, inspect(answer));
}
