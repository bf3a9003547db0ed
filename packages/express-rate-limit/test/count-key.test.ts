import { memoryStore } from "@kv/memory";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type RateLimitStore, rateLimitStore } from "../src/index.ts";
import { countKey } from "../src/store/count-key.ts";
import { onExpress } from "./frameworks.ts";
import { served } from "./serve.ts";

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

/** Keys that a key generator may give though the types do not allow it, all of them different. */
const oddKeys: readonly (readonly [name: string, key: unknown])[] = [
  ["a lone high surrogate", "\ud800"],
  ["a lone low surrogate", "\udc00"],
  ["the text of an escaped one", "\\ud800"],
  ["a sentinel", "\0"],
  ["an encoded key", countKey("\ud800")],
  ["a number as text", "5"],
  ["a number", 5],
  ["a bigint", 5n],
  ["another bigint", 6n],
  ["NaN", Number.NaN],
  ["infinity", Number.POSITIVE_INFINITY],
  ["zero", 0],
  ["true", true],
  ["undefined", undefined],
  ["the text undefined", "undefined"],
  ["null", null],
  ["an object", { id: 1 }],
  ["another object", { id: 2 }],
  ["an array", [1]],
  ["an object that is no JSON", cyclic],
  ["a symbol", Symbol("\ud800")],
  ["another symbol", Symbol("a")],
  ["a function", () => "anybody"],
];

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  // Surrogates that often have no partner, what escaping uses, and the sentinel.
  fc.string({ unit: fc.constantFrom("\ud800", "\udc00", "\\", "u", "d800", '"', "\0", "string:", "a") }),
);

describe("the key of a count", () => {
  test("is well formed, and another one for another string", () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(countKey(one).isWellFormed()).toBe(true);
        expect(countKey(one) === countKey(other)).toBe(one === other);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is the string itself where that is well formed and begins with no sentinel", () => {
    for (const key of ["", "203.0.113.7", "\u{1f600}", "a\0"]) expect(countKey(key)).toBe(key);
  });

  test("is another one for another value of any type, and always well formed", () => {
    const keys = oddKeys.map(([, key]) => countKey(key));
    expect(new Set(keys).size).toBe(oddKeys.length);
    for (const key of keys) expect(key.isWellFormed()).toBe(true);
  });

  test("is the same for values that a Map takes for the same, and for objects of the same content", () => {
    expect(countKey(-0)).toBe(countKey(0));
    expect(countKey(Number.NaN)).toBe(countKey(Number("no number")));
    expect(countKey({ id: 1 })).toBe(countKey({ id: 1 }));
    expect(countKey(() => 1)).toBe(countKey(() => 2));
  });

  test("is there even for an object that gives nothing of itself, one for all of them", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const key of [proxy, { toJSON: () => undefined }, cyclic]) expect(countKey(key)).toBe('\0object:""');
  });
});

/** A site that lets 5 requests of one key pass, and what its logger was told. */
async function limited(key: unknown, options: { windowMs?: number; skipFailedRequests?: boolean } = {}) {
  const store = rateLimitStore(memoryStore());
  const logger = { error: vi.fn<(error: unknown) => void>(), warn: () => undefined };
  const keyGenerator = () => key as string;
  const app = onExpress({ store, limit: 5, ...options }, { passOnStoreError: true, logger, keyGenerator });
  return Object.assign(await served(app), { store, logger });
}

async function passedOf(count: number, url: string): Promise<number> {
  const responses = await Promise.all(Array.from({ length: count }, () => fetch(url)));
  return responses.filter(({ status }) => status !== 429).length;
}

const errorsOf = ({ logger }: { logger: { error: ReturnType<typeof vi.fn> } }): unknown[] =>
  logger.error.mock.calls.map(([error]) => error as unknown);

describe("where failures of the store let requests pass", () => {
  test.each(oddKeys)("of 12 requests with the key %s 5 pass", async (_name, key) => {
    await using site = await limited(key);
    expect(await passedOf(12, site.url)).toBe(5);
  });

  test.each(oddKeys)("what failed is taken back, found and reset by the key %s", async (_name, key) => {
    await using site = await limited(key, { skipFailedRequests: true });
    const hits = async () => (await site.store.get(key as string))?.totalHits;
    expect(await passedOf(3, `${site.url}/`)).toBe(3);
    expect(await passedOf(2, `${site.url}/fails`)).toBe(2);
    await expect.poll(hits).toBe(3);
    await site.store.resetKey(key as string);
    expect(await hits()).toBeUndefined();
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1m"])(
    "a limiter with a window of %s, which is refused, lets 5 of 12 pass all the same",
    async (windowMs) => {
      await using site = await limited("somebody", { windowMs: windowMs as number });
      expect(await passedOf(12, site.url)).toBe(5);
      expect(errorsOf(site)).toEqual([expect.objectContaining({ name: "RangeError" })]);
    },
  );

  test.each([1e14, Number.MAX_VALUE])(
    "a window of %d ms, which nobody sees the end of, counts",
    async (ms) => {
      await using site = await limited("somebody", { windowMs: ms });
      expect(await passedOf(12, site.url)).toBe(5);
      expect(errorsOf(site)).toEqual([]);
    },
  );

  test("a store whose other limiter was refused goes on to count for both", async () => {
    const store: RateLimitStore = rateLimitStore(memoryStore());
    const logger = { error: () => undefined, warn: () => undefined };
    const [first, second] = [3_600_000, 1_000].map((windowMs) =>
      onExpress({ store, limit: 5, windowMs }, { passOnStoreError: true, logger }),
    );
    for (const app of [first, second]) {
      await using site = await served(app as NonNullable<typeof app>);
      expect(await passedOf(12, site.url)).toBe(app === first ? 5 : 0);
    }
  });
});
