import { type FullStore, StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { openElsewhere, testBackends } from "@kv/test-backends";
import express from "express";
import { type Store as ExpressStore, rateLimit } from "express-rate-limit";
import fc from "fast-check";
import { type Store as HonoStore, rateLimiter } from "hono-rate-limiter";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type RateLimitStore, type RateLimitStoreOptions, rateLimitStore } from "../src/index.ts";
import { served } from "./serve.ts";

const hourMs = 3_600_000;

function limiterOn(store: FullStore, options?: RateLimitStoreOptions, windowMs = hourMs): RateLimitStore {
  const limiter = rateLimitStore(store, options);
  limiter.init({ windowMs });
  return limiter;
}

async function times(count: number, call: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: count }, call));
}

describe.each(testBackends)("counts on $name", ({ open }) => {
  let backend: Awaited<ReturnType<typeof open>>;
  let store: FullStore;
  beforeAll(async () => {
    backend = await open();
    store = backend.store;
  });
  afterAll(() => backend.stop());

  const newLimiter = (): RateLimitStore => limiterOn(store, { namespace: crypto.randomUUID() });
  /** The counts as another process of the service sees them. */
  const elsewhere = (): FullStore => (backend.place === undefined ? store : openElsewhere(backend.place));

  test("increment gives the count and the end of the window, and get the same without counting", async () => {
    const limiter = newLimiter();
    const before = Date.now();
    const first = await limiter.increment("a");
    const second = await limiter.increment("a");
    expect([first.totalHits, second.totalHits]).toEqual([1, 2]);
    const counted = await limiter.get("a");
    expect(counted?.totalHits).toBe(2);
    for (const { resetTime } of [first, second, counted ?? first]) {
      expect(resetTime.getTime()).toBeGreaterThanOrEqual(before + hourMs - 5);
      expect(resetTime.getTime()).toBeLessThanOrEqual(Date.now() + hourMs);
    }
    expect(await limiter.get("b")).toBeUndefined();
  });

  test("decrement never goes below 0, makes no count where none is, and leaves the end of the window", async () => {
    const namespace = crypto.randomUUID();
    const limiter = limiterOn(store, { namespace });
    const counts = store.withNamespace(namespace).withNamespace(`${hourMs}ms`);
    await limiter.decrement("a");
    expect(await counts.exists("a")).toBe(false);
    await times(3, () => limiter.increment("a"));
    await counts.touch("a", "30m"); // as if half of the window were over
    for (const left of [2, 1, 0, 0]) {
      await limiter.decrement("a");
      expect((await limiter.get("a"))?.totalHits).toBe(left);
      expect(await counts.expiresIn("a")).toBeLessThanOrEqual(1800);
    }
  });

  test("increments and decrements of two processes at once are each counted once", async () => {
    const namespace = crypto.randomUUID();
    const other = elsewhere();
    const limiters = [limiterOn(store, { namespace }), limiterOn(other, { namespace })];
    await Promise.all(limiters.map((limiter) => times(50, () => limiter.increment("a"))));
    await Promise.all(
      limiters.flatMap((limiter) => [
        times(30, () => limiter.decrement("a")),
        times(10, () => limiter.increment("a")),
      ]),
    );
    expect((await limiters[0]?.get("a"))?.totalHits).toBe(60);
    await Promise.all(limiters.map((limiter) => times(100, () => limiter.decrement("a"))));
    expect((await limiters[0]?.get("a"))?.totalHits).toBe(0);
    if (other !== store) await other.close();
  });

  test("decrements that fail are told to each who asked, and later ones are done", async () => {
    const limiter = newLimiter();
    await times(5, () => limiter.increment("a"));
    await backend.fail();
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => limiter.decrement("a")));
    expect(outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "done"))).toEqual(
      Array(3).fill("KV_UNAVAILABLE"),
    );
    await backend.heal();
    await vi.waitFor(() => limiter.decrement("a"), { timeout: 60_000 });
    expect((await limiter.get("a"))?.totalHits).toBe(4);
  });

  test("resetKey and resetAll forget the counts of this limiter, and nothing else", async () => {
    const [one, other] = [newLimiter(), newLimiter()];
    for (const limiter of [one, other]) for (const key of ["a", "b", "c"]) await limiter.increment(key);
    await store.set("mine", "kept");
    await one.resetKey("a");
    expect([await one.get("a"), (await one.get("b"))?.totalHits]).toEqual([undefined, 1]);
    await one.resetAll();
    expect([await one.get("b"), await one.get("c"), (await other.get("a"))?.totalHits]).toEqual([
      undefined,
      undefined,
      1,
    ]);
    expect(await store.exists("mine")).toBe(true);
  });

  test("limiters with another namespace or another window share no count, whatever the names and keys", async () => {
    const limiters = [
      limiterOn(store, { namespace: "a" }),
      limiterOn(store, { namespace: "a:b" }),
      limiterOn(store, { namespace: "a" }, hourMs / 2),
      limiterOn(store.withNamespace("a")),
      limiterOn(store),
    ];
    for (const limiter of limiters) {
      for (const key of ["b:c", "c", `${hourMs}ms`, ""]) {
        expect((await limiter.increment(key)).totalHits).toBe(1);
      }
    }
  });

  test("what is no count is an error, and is left as it is", async () => {
    const namespace = crypto.randomUUID();
    const limiter = limiterOn(store, { namespace });
    const counts = store.withNamespace(namespace).withNamespace(`${hourMs}ms`);
    for (const value of [" 5", "5.5", "", "many"]) {
      await counts.set("a", value);
      for (const call of ["increment", "decrement", "get"] as const) {
        await expect(limiter[call]("a")).rejects.toMatchObject({ code: "KV_NOT_AN_INTEGER" });
      }
      expect(await counts.get("a")).toEqual(new TextEncoder().encode(value));
    }
  });

  test("a count that somebody made to stay for ever ends at the end of time", async () => {
    const namespace = crypto.randomUUID();
    const limiter = limiterOn(store, { namespace });
    await store.withNamespace(namespace).withNamespace(`${hourMs}ms`).set("a", "7");
    expect(await limiter.increment("a")).toEqual({ totalHits: 8, resetTime: new Date(8.64e15) });
  });
});

test("in any order of calls and waiting, it counts as a list of windows does", async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant("increment" as const) },
    { weight: 3, arbitrary: fc.constant("decrement" as const) },
    { weight: 1, arbitrary: fc.constant("resetKey" as const) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 400 }) }, // milliseconds that pass
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
      let nowMs = 0;
      await using store = memoryStore({ now: () => nowMs });
      const limiter = limiterOn(store, {}, 500);
      let model: { count: number; endsAtMs: number } | undefined;
      for (const next of steps) {
        if (typeof next === "number") nowMs += next;
        else await limiter[next]("a");
        if (model !== undefined && nowMs >= model.endsAtMs) model = undefined;
        if (next === "increment") {
          model ??= { count: 0, endsAtMs: nowMs + 500 };
          model.count += 1;
        } else if (next === "decrement" && model !== undefined) {
          model.count = Math.max(0, model.count - 1);
        } else if (next === "resetKey") {
          model = undefined;
        }
        const counts = store.withNamespace("default").withNamespace("500ms");
        expect((await limiter.get("a"))?.totalHits).toBe(model?.count);
        expect(await counts.expiresIn("a")).toBe(model && (model.endsAtMs - nowMs) / 1_000);
      }
    }),
  );
});

test.each(["expiresIn", "get"] as const)(
  "where the window ends before %s of the store, get gives no count",
  async (method) => {
    const store: FullStore = {
      ...memoryStore(),
      withNamespace: () => store,
      [method]: async () => undefined,
    };
    const limiter = limiterOn(store);
    await limiter.increment("a");
    expect(await limiter.get("a")).toBeUndefined();
  },
);

describe("with its limiter", () => {
  test("it is what both take as a store, and init has the length of the window from them", async () => {
    const [one, other] = [rateLimitStore(memoryStore()), rateLimitStore(memoryStore())];
    const expressStore: ExpressStore = one;
    const honoStore: HonoStore = other;
    const middleware = rateLimit({ windowMs: hourMs, store: expressStore });
    rateLimiter({ windowMs: 2 * hourMs, store: honoStore, keyGenerator: () => "a" });
    const before = Date.now();
    for (const [store, windowMs] of [[one, hourMs] as const, [other, 2 * hourMs] as const]) {
      const { resetTime } = await store.increment("a");
      expect(resetTime.getTime()).toBeGreaterThanOrEqual(before + windowMs - 5);
      expect(resetTime.getTime()).toBeLessThanOrEqual(Date.now() + windowMs);
    }
    expect((await middleware.getKey("a"))?.totalHits).toBe(1);
  });

  test("two limiters on one store are not taken for one that counts twice, one that is passed twice is", async () => {
    const complaints: unknown[] = [];
    const logger = {
      error: (error: unknown) => complaints.push((error as { code: string }).code),
      warn: (error: unknown) => complaints.push(error),
    };
    const store = memoryStore();
    const common = { store: rateLimitStore(store, { namespace: "burst" }), windowMs: 1_000, logger };
    const app = express().use(
      rateLimit({ ...common, limit: 10 }),
      rateLimit({ ...common, store: rateLimitStore(store), windowMs: 2_000 }),
      rateLimit({ ...common, store: rateLimitStore(store), windowMs: hourMs }),
    );
    await using server = await served(app);
    await fetch(server.url);
    expect(complaints).toEqual([]);

    await using twice = await served(
      express().use(
        rateLimit({ ...common, store: rateLimitStore(store, { namespace: "x" }) }),
        rateLimit({ ...common, store: rateLimitStore(store, { namespace: "x" }) }),
      ),
    );
    await fetch(twice.url);
    expect(complaints).toEqual(["ERR_ERL_DOUBLE_COUNT"]);
  });

  test("without init, or with a window that cannot be, it says so", async () => {
    const store = rateLimitStore(memoryStore());
    expect(store.prefix).toBe('["default"]');
    for (const call of ["increment", "decrement", "get", "resetKey"] as const) {
      await expect(store[call]("a")).rejects.toThrow(/has no window.*call init/s);
    }
    for (const windowMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1m"]) {
      expect(() => store.init({ windowMs: windowMs as never })).toThrow(/windowMs must be a number of milli/);
    }
  });

  test("a limiter with another window is refused, and the first keeps its own", async () => {
    const store = limiterOn(memoryStore());
    store.init({ windowMs: hourMs });
    expect(() => store.init({ windowMs: 1_000 })).toThrow(/serves a limiter.*with a namespace of its own/);
    const { resetTime } = await store.increment("a");
    expect(resetTime.getTime()).toBeGreaterThan(Date.now() + hourMs / 2);
  });
});

describe("the store", () => {
  test("is found by name, rate_limit unless told", async () => {
    const root = memoryStore();
    const stores = new StoreRegistry({ root });
    for (const options of [{}, { name: "api" }]) {
      const limiter = rateLimitStore(stores, options);
      limiter.init({ windowMs: hourMs });
      await limiter.increment("a");
    }
    for (const name of ["rate_limit", "api"]) {
      const counts = root.withNamespace(name).withNamespace("default").withNamespace(`${hourMs}ms`);
      expect(await counts.exists("a")).toBe(true);
    }
  });

  test("without atomic steps, and what is no store, is refused at the start", () => {
    const { get, set, close, withNamespace } = memoryStore();
    const plain = { get, set, close, withNamespace } as never;
    const stores = new StoreRegistry({ stores: { rate_limit: plain } });
    expect(() => rateLimitStore(stores)).toThrow(/A rate limit needs.*increment.*"rate_limit" lacks/);
    expect(() => rateLimitStore(new Map() as never)).toThrow(TypeError);
    expect(() => rateLimitStore(undefined as never)).toThrow(/needs a StoreRegistry or a store/);
  });

  test.each([{ prefix: "a" }, { namespace: "" }, { namespace: 1 }, { windowMs: 1 }])(
    "option %j is refused",
    (options) => {
      expect(() => rateLimitStore(memoryStore(), options as never)).toThrow(/There is no option|name of a/);
    },
  );
});
