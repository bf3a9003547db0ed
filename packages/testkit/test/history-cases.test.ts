import { StoreError } from "@kv/core";
import type { FullDriverNamespace } from "@kv/core/driver";
import { type CaseResult, type Harness, type RuleId, runCases } from "@kv/testkit";
import { describe, expect, test } from "vitest";
import { brokenDriver, turn, type Whole } from "./mutants/mutant.ts";
import { referenceDriverHarness } from "./reference-harness.ts";

const title = "one order explains every answer of a recorded history";

async function run(harness: Harness, rule: RuleId): Promise<CaseResult[]> {
  return await runCases(harness, {
    seed: 18,
    filter: ({ testCase, place }) =>
      testCase.rule === rule && testCase.title.startsWith(title) && place === "at the root",
  });
}

type Flaw = readonly [rule: RuleId, flaw: string, change: (whole: Whole) => Partial<FullDriverNamespace>];

const forEver = Number.POSITIVE_INFINITY;

/** Gives an entry that is there a life, as EXPIRE does. */
function expire({ data, path }: Whole, key: string, lifeMs: number): void {
  const entry = data.find(path, key);
  if (entry !== undefined && lifeMs !== forEver) entry.expiresAtMs = data.nowMs + lifeMs;
}

const flaws: readonly Flaw[] = [
  [
    "A1",
    "INCR, then EXPIRE",
    (whole) => ({
      async increment(key, by, lifeMs) {
        const isNew = !(await whole.namespace.exists(key));
        const done = await whole.namespace.increment(key, by, forEver);
        await turn();
        if (!isNew) return done;
        expire(whole, key, lifeMs);
        return { ...done, expiresInMs: lifeMs };
      },
    }),
  ],
  [
    "A2",
    "SET NX, then EXPIRE",
    (whole) => ({
      async setIfAbsent(key, value, lifeMs) {
        const isNew = await whole.namespace.setIfAbsent(key, value, forEver);
        await turn();
        if (isNew) expire(whole, key, lifeMs);
        return isNew;
      },
    }),
  ],
  [
    "T2",
    "SET, then EXPIRE",
    (whole) => ({
      async set(key, value, expiry) {
        if (expiry === "keep") {
          await whole.namespace.set(key, value, expiry);
          return;
        }
        await whole.namespace.set(key, value, forEver);
        await turn();
        expire(whole, key, expiry);
      },
    }),
  ],
  [
    "T3",
    "touch in two steps",
    (whole) => ({
      async touch(key, lifeMs) {
        const entry = whole.data.find(whole.path, key);
        await turn();
        if (entry !== undefined && entry.expiresAtMs !== forEver) expire(whole, key, lifeMs);
        return entry !== undefined;
      },
    }),
  ],
  [
    "T3",
    "get with renewFor in two steps",
    (whole) => ({
      async getAndRenew(key, lifeMs) {
        const entry = whole.data.find(whole.path, key);
        const bytes = entry?.bytes;
        await turn();
        if (entry !== undefined && entry.expiresAtMs !== forEver) expire(whole, key, lifeMs);
        return bytes;
      },
    }),
  ],
  [
    "A3",
    "compareAndSet in two steps",
    ({ namespace }) => ({
      async compareAndSet(key, expected, value, expiry) {
        const isThere = new TextDecoder().decode(await namespace.get(key)) === expected;
        await turn();
        if (isThere) await namespace.set(key, value, expiry);
        return isThere;
      },
    }),
  ],
  [
    "A4",
    "take in two steps",
    ({ namespace }) => ({
      async compareAndDelete(key, expected) {
        const isThere =
          new TextDecoder().decode(await namespace.get(key)) ===
          new TextDecoder().decode(expected as Uint8Array);
        await turn();
        if (isThere) await namespace.delete(key);
        return isThere;
      },
    }),
  ],
  [
    "N5",
    "a deleteAll that goes on after its end",
    ({ namespace, data, path }) => ({
      async deleteAll() {
        const late = [...data.entries(path).keys()];
        await turn();
        setImmediate(() => {
          for (const key of late) void namespace.delete(key);
        });
      },
    }),
  ],
  [
    "S6",
    "a setMany that goes on after its end",
    ({ namespace }) => ({
      async setMany(entries, expiry) {
        setImmediate(() => void namespace.setMany(entries, expiry));
      },
    }),
  ],
  [
    "S7",
    "a set that is rejected as not done, and done later",
    ({ namespace, data }) => ({
      set(key, value, expiry) {
        if (!data.failing) return namespace.set(key, value, expiry);
        const retry = (): void => {
          if (data.failing) setImmediate(retry);
          else void namespace.set(key, value, expiry);
        };
        retry();
        throw new StoreError("KV_UNAVAILABLE", "it is queued.");
      },
    }),
  ],
  [
    "S7",
    "a miss in the place of an error",
    ({ namespace, data }) => ({ get: (key) => (data.failing ? undefined : namespace.get(key)) }),
  ],
  [
    "S7",
    "a swallowed write",
    ({ namespace, data }) => ({
      set: (key, value, expiry) => (data.failing ? undefined : namespace.set(key, value, expiry)),
    }),
  ],
];

describe("a recorded history", () => {
  test.each(flaws)("shows %s: %s", async (rule, flaw, change) => {
    // T2 has no histories of its own: its writes stand in those of T3.
    const results = await run(brokenDriver(rule, flaw, title, change).harness, rule === "T2" ? "T3" : rule);
    const failed = results.filter((result) => result.outcome === "failed");
    expect(failed.length).toBeGreaterThan(0);
    for (const { error } of failed) expect(error.rule, error.message).toBe(rule);
  });

  test("has no answer of a write whose outcome is unknown held against it", async () => {
    const { harness } = brokenDriver(
      "S7",
      "does not know what became of a write",
      title,
      ({ namespace, data }) => ({
        async set(key, value, expiry) {
          if (!data.failing) return await namespace.set(key, value, expiry);
          const isDone = (key.length + value.length) % 2 === 0;
          setImmediate(() => {
            const wasFailing = data.failing;
            data.failing = false;
            if (isDone) void namespace.set(key, value, expiry);
            data.failing = wasFailing;
          });
          throw new StoreError("KV_OUTCOME_UNKNOWN", "no reply came.");
        },
      }),
    );
    const results = await run(harness, "S7");
    for (const result of results) expect(result.outcome).not.toBe("failed");
  });

  test("shows calls as a user writes them, from the first to the one that nothing explains", async () => {
    const [, flaw, change] = flaws[0] as Flaw;
    const results = await run(brokenDriver("A1", flaw, title, change).harness, "A1");
    const { error } = results.find(({ outcome }) => outcome === "failed") as CaseResult & {
      outcome: "failed";
    };
    expect(error.message).toMatch(
      /\n {4}\d+ to \d+, caller \d: increment\("[ab]\d+", \{ (by: 2, )?expiresIn: "[123]h" \}\) → /,
    );
    expect(error.message).not.toMatch(/kind:|leftMs/);
  });

  test("that passes proves it for the reference", async () => {
    const results = await runCases(referenceDriverHarness, {
      runs: 100,
      filter: ({ testCase }) => testCase.title.startsWith(title),
    });
    expect(results.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  });
});
