import { type FullStore, StoreError } from "@kv/core";
import { type FullDriverNamespace, utf8 } from "@kv/core/driver";
import { type CaseResult, type ContractViolation, type Harness, type RuleId, runCases } from "@kv/testkit";
import { afterEach, describe, expect, test, vi } from "vitest";
import { brokenDriver, brokenPaths, brokenStore, type Whole } from "./mutants/mutant.ts";

const awaited = "any calls, one after another";
const notAwaited = "any calls that are not awaited";

async function runAtRoot(harness: Harness, title: string): Promise<CaseResult> {
  const [result] = await runCases(harness, {
    seed: 18,
    runs: 200,
    filter: ({ testCase, place }) => testCase.title.startsWith(title) && place === "at the root",
  });
  if (result === undefined) throw new Error(`There is no case ${title}.`);
  return result;
}

async function violationOf(harness: Harness, title: string): Promise<ContractViolation> {
  const result = await runAtRoot(harness, title);
  if (result.outcome !== "failed") throw new Error(`${harness.name}: ${result.outcome}`);
  return result.error;
}

function broken(flaw: string, change: (whole: Whole) => Partial<FullDriverNamespace>): Harness {
  return brokenDriver("S1", flaw, awaited, change).harness;
}

function changed(name: string, change: (store: FullStore) => Partial<FullStore>): Harness {
  return brokenStore("S1", name, awaited, change).harness;
}

/** An `increment` that counts in its own way. */
function counting(flaw: string, sumOf: (text: string, by: number) => number | undefined): Harness {
  return broken(flaw, ({ namespace }) => ({
    async increment(key, by, expiresInMs) {
      const old = await namespace.get(key);
      const sum = old === undefined ? by : sumOf(new TextDecoder().decode(old), by);
      if (sum === undefined) throw new StoreError("KV_NOT_AN_INTEGER", "no integer.");
      await namespace.set(key, utf8(String(sum)), old === undefined ? expiresInMs : "keep");
      return { value: sum, expiresInMs: (await namespace.expiresInMs(key)) as number };
    },
  }));
}

const strict = /^(?:0|-?[1-9][0-9]*)$/;
const isSafe = Number.isSafeInteger;

describe("the model counts by itself", () => {
  const right = counting("right", (text, by) =>
    strict.test(text) && isSafe(Number(text)) && isSafe(Number(text) + by) ? Number(text) + by : undefined,
  );
  const wrong = [
    counting("a zero in front", (text, by) =>
      /^-?[0-9]+$/.test(text) && text !== "-0" && isSafe(Number(text) + by) ? Number(text) + by : undefined,
    ),
    counting("minus zero", (text, by) =>
      (strict.test(text) || text === "-0") && isSafe(Number(text) + by) ? Number(text) + by : undefined,
    ),
    counting("a plus", (text, by) =>
      (strict.test(text) || text === "+1") && isSafe(Number(text) + by) ? Number(text) + by : undefined,
    ),
    counting("a fraction", (text, by) =>
      (strict.test(text) || text === "1.0") && isSafe(Number(text) + by) ? Number(text) + by : undefined,
    ),
    counting("no upper end", (text, by) =>
      strict.test(text) && Number(text) + by > -(2 ** 53) ? Number(text) + by : undefined,
    ),
    counting("no lower end", (text, by) =>
      strict.test(text) && Number(text) + by < 2 ** 53 ? Number(text) + by : undefined,
    ),
    counting("an end too early", (text, by) =>
      strict.test(text) && Math.abs(Number(text)) < 2 ** 53 - 1 && isSafe(Number(text) + by)
        ? Number(text) + by
        : undefined,
    ),
    counting("no negative numbers", (text, by) =>
      /^(?:0|[1-9][0-9]*)$/.test(text) && isSafe(Number(text) + by) ? Number(text) + by : undefined,
    ),
  ];

  test("a right integer step passes", async () => {
    expect(await runAtRoot(right, awaited)).toMatchObject({ outcome: "passed" });
  });

  test.each(wrong)("an integer step with $name is of A1", async (harness) => {
    expect((await violationOf(harness, awaited)).rule).toBe("A1");
  });
});

const flaws: readonly (readonly [RuleId, Harness])[] = [
  [
    "S1",
    broken("an empty value is no entry", ({ namespace }) => ({
      set: (key, value, expiry) =>
        value.length === 0 ? void namespace.delete(key) : namespace.set(key, value, expiry),
    })),
  ],
  ["S2", broken("a delete that keeps", ({ namespace }) => ({ delete: (key) => namespace.exists(key) }))],
  [
    "S4",
    broken("a key is cut at its colon", ({ namespace }) => ({
      set: (key, value, expiry) => {
        void namespace.set("a", value, expiry);
        return namespace.set(key, value, expiry);
      },
    })),
  ],
  [
    "S5",
    changed("of a key given twice the first value counts", (store) => ({
      setMany: (entries, options) => store.setMany([...entries].toReversed(), options),
    })),
  ],
  [
    "T1",
    broken("get of what has expired", ({ namespace, data, path }) => ({
      get: (key) => data.entries(path).get(key)?.bytes ?? namespace.get(key),
    })),
  ],
  [
    "T2",
    broken("set keeps the expiry", ({ namespace }) => ({
      set: (key, value, expiry) =>
        namespace.set(key, value, expiry === Number.POSITIVE_INFINITY ? "keep" : expiry),
    })),
  ],
  [
    "T2",
    broken("keepExpiry keeps nothing", ({ namespace }) => ({
      set: (key, value, expiry) =>
        namespace.set(key, value, expiry === "keep" ? Number.POSITIVE_INFINITY : expiry),
    })),
  ],
  [
    "T3",
    broken("touch does not move the expiry", ({ namespace }) => ({ touch: (key) => namespace.exists(key) })),
  ],
  [
    "T4",
    broken("expiresIn stands still", ({ namespace, data, path }) => {
      const told = new WeakMap<object, Map<number, number | undefined>>();
      return {
        expiresInMs(key) {
          const entry = data.find(path, key);
          if (entry === undefined) return undefined;
          const ofEntry = told.get(entry) ?? new Map<number, number | undefined>();
          told.set(entry, ofEntry);
          if (!ofEntry.has(entry.expiresAtMs))
            ofEntry.set(entry.expiresAtMs, namespace.expiresInMs(key) as number);
          return ofEntry.get(entry.expiresAtMs);
        },
      };
    }),
  ],
  ["N1", brokenPaths("N1", "a child is its parent", awaited, (path) => path.slice(0, -1)).harness],
  [
    "N2",
    broken("deleteAll leaves what is below", ({ data, path }) => ({
      deleteAll: () => data.entries(path).clear(),
    })),
  ],
  [
    "N6",
    broken("keys has one too many", () => ({
      async *keys() {
        yield ["a", "nobody"];
      },
    })),
  ],
  [
    "A1",
    broken("increment restarts the expiry", ({ namespace, data, path }) => ({
      increment(key, by, expiresInMs) {
        const { value } = namespace.increment(key, by, expiresInMs) as { value: number };
        const entry = data.find(path, key);
        if (entry !== undefined) entry.expiresAtMs = data.nowMs + expiresInMs;
        return { value, expiresInMs };
      },
    })),
  ],
  [
    "A2",
    broken("setIfAbsent always writes", ({ namespace }) => ({
      async setIfAbsent(key, value, expiry) {
        await namespace.set(key, value, expiry);
        return true;
      },
    })),
  ],
  [
    "A3",
    broken("compareAndSet compares nothing", ({ namespace }) => ({
      async compareAndSet(key, _, value, expiry) {
        if (!(await namespace.exists(key))) return false;
        await namespace.set(key, value, expiry);
        return true;
      },
    })),
  ],
  ["A4", changed("take leaves the value", (store) => ({ take: (key) => store.get(key) }))],
];

describe("a random run that fails", () => {
  test.each(flaws)("names %s", async (rule, harness) => {
    expect((await violationOf(harness, awaited)).rule).toBe(rule);
    expect((await violationOf(harness, notAwaited)).rule).toBe(rule);
  });

  test("names S6 where the same calls are right when each is awaited", async () => {
    const late = changed("set begins a little later", (store) => ({
      async set(...args) {
        await Promise.resolve();
        await store.set(...args);
      },
    }));
    expect(await runAtRoot(late, awaited)).toMatchObject({ outcome: "passed" });
    const { rule, message } = await violationOf(late, notAwaited);
    expect(rule).toBe("S6");
    expect(message).toContain("though the same calls give what they should when each is awaited");
  });

  test("shows calls as a user writes them", async () => {
    const harness = flaws.find(([, { name }]) => name === "touch does not move the expiry")?.[1] as Harness;
    const { message } = await violationOf(harness, awaited);
    expect(message).toMatch(
      /^expected: (withNamespace\("ab?"\)\.)*expiresIn\("a(:b)?"\) gives \d+, or a little less$/m,
    );
    expect(message).toMatch(/^but got: {2}\d+ \(seed 18: /m);
    expect(message).toMatch(/\.touch\("a(:b)?", "(30|90|150)s"\)/);
    expect(message).not.toMatch(/kind:|path:|renewForMs|leftMs/);
  });

  test("shows a rejection as one", async () => {
    const harness = broken("cannot take", () => ({
      exists: () => {
        throw new StoreError("KV_FAILED", "no such command.");
      },
    }));
    const { message, rule } = await violationOf(harness, awaited);
    expect(message).toMatch(/exists\("a(:b)?"\) gives (true|false)\n/);
    expect(message).toContain("a rejection with StoreError KV_FAILED");
    expect(rule).toBe("S2");
  });

  test("says where it did not fail again", async () => {
    let calls = 0;
    const once = broken("fails once", ({ namespace }) => ({
      exists(key) {
        calls += 1;
        return calls === 3 ? (namespace.get(key) as never) === "never" : namespace.exists(key);
      },
      delete(key) {
        calls += 1;
        return calls === 3 ? true : namespace.delete(key);
      },
    }));
    expect((await violationOf(once, awaited)).message).toContain(
      "made again, the same calls gave what they should",
    );
  });
});

describe("a random run on a slow store", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** A store each `get` of which takes so long, by a clock that skips that time. */
  function slow(ms: number): Harness {
    const now = performance.now.bind(performance);
    let skippedMs = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now() + skippedMs);
    return broken(`answers in ${ms} ms`, ({ namespace }) => ({
      async get(key) {
        skippedMs += ms;
        return await namespace.get(key);
      },
    }));
  }

  test("is cut short, and passes", async () => {
    expect(await runAtRoot(slow(300), awaited)).toMatchObject({ outcome: "passed" });
  });

  test("is unproven where a call takes longer than a life", async () => {
    const result = await runAtRoot(slow(26_000), awaited);
    expect(result).toMatchObject({ outcome: "unproven", because: expect.stringContaining("no random run") });
  });
});
