import { memoryStore } from "@kv/memory";
import { failingStore } from "@kv/test-backends";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { type ResponseCacheOptions, rateLimit, responseCache, sessions } from "../src/index.ts";
import { cacheApp } from "./cache-app.ts";
import { served } from "./serve.ts";
import { watchProcess } from "./watch-process.ts";

const lastDay = "Fri, 31 Dec 9999 23:59:59 GMT";
const thousandYearsS = 1_000 * 365.25 * 86_400;

describe("whatever a response says of its lifetime", () => {
  test.each<[what: string, headers: Record<string, string>, options?: ResponseCacheOptions]>([
    ["Expires at the end of all dates", { Expires: lastDay }],
    ["Expires from the first date to the last", { Expires: lastDay, Date: "Mon, 01 Jan 0001 00:00:00 GMT" }],
    ["max-age beyond all numbers", { "Cache-Control": `max-age=${"9".repeat(400)}` }],
    ["s-maxage beyond all whole numbers", { "Cache-Control": `s-maxage=${"9".repeat(20)}` }],
    [
      "windows on top of the longest lifetime",
      { Expires: lastDay, "Cache-Control": "stale-while-revalidate=99999999999, stale-if-error=99999999999" },
    ],
    ["an Age beyond all numbers", { Expires: lastDay, Age: "9".repeat(400) }],
    [
      "windows on top of the longest freshFor",
      { "Cache-Control": "stale-while-revalidate=60" },
      { freshFor: { days: 365_250 } },
    ],
    ["nothing, where it is fresh for ever", {}, { freshFor: Number.POSITIVE_INFINITY }],
  ])("%s: it is stored, for 1,000 years at most", async (_what, headers, options) => {
    using watch = watchProcess();
    await using store = memoryStore();
    const cache = cacheApp(store, options);
    cache.answerer = (_request, time) => new Response(`answer ${time}`, { headers });
    await using server = await served(cache.app);
    const ask = () => fetch(server.url);
    expect(await (await ask()).text()).toBe("answer 1");
    await expect.poll(async () => (await ask()).headers.get("Cache-Status")).toMatch(/hit; ttl=\d+$/);
    const again = await ask();
    expect([await again.text(), Number.isInteger(Number(again.headers.get("Age")))]).toEqual([
      "answer 1",
      true,
    ]);
    const leftS = await store.expiresIn(JSON.stringify(["GET", `${server.url}/`]));
    expect(leftS).toBeGreaterThan(thousandYearsS / 1_000);
    expect(leftS).toBeLessThanOrEqual(thousandYearsS);
    expect([await watch.warnings(), watch.fatal, cache.failures]).toEqual([[], [], []]);
  });

  test.each(["3600", "2050", "18 Aug 2050", "0", "-1"])(
    "Expires: %s is no date, so it has expired, and nothing is stored",
    async (expires) => {
      using watch = watchProcess();
      await using store = memoryStore();
      const cache = cacheApp(store);
      cache.answerer = (_request, time) => new Response(`answer ${time}`, { headers: { Expires: expires } });
      await using server = await served(cache.app);
      const ask = async () => (await fetch(server.url)).text();
      expect(await ask()).toBe("answer 1");
      const key = JSON.stringify(["GET", `${server.url}/`]);
      const stored = async () => new TextDecoder().decode(await store.get(key));
      await expect.poll(stored).toBe('{"kind":"pass"}\n'); // which is the last that is done for the request
      expect(await ask()).toBe("answer 2");
      expect([await watch.warnings(), watch.fatal, cache.failures]).toEqual([[], [], []]);
    },
  );
});

describe("an onStoreError that fails", () => {
  const fails: readonly (readonly [how: string, listener: () => unknown])[] = [
    [
      "throws",
      () => {
        throw new Error("of the listener");
      },
    ],
    ["rejects", () => Promise.reject(new Error("of the listener"))],
  ];
  const middleware = [
    [
      "responseCache",
      (store: ReturnType<typeof memoryStore>, onStoreError: () => void) =>
        responseCache(store, { isPublic: () => true, onStoreError }),
    ],
    [
      "rateLimit",
      (store: ReturnType<typeof memoryStore>, onStoreError: () => void) =>
        rateLimit(store, { limit: 1, window: "1h", key: () => "all", onOutage: "allow", onStoreError }),
    ],
    [
      "sessions",
      (store: ReturnType<typeof memoryStore>, onStoreError: () => void) =>
        sessions(store, { onOutage: "anonymous", onStoreError }),
    ],
  ] as const;

  test.each(
    middleware.flatMap(([of, make]) => fails.map(([how, listener]) => [of, how, make, listener] as const)),
  )(
    "of %s, by what it %s, becomes a process warning, and the answer is right",
    async (_of, _how, make, listener) => {
      using watch = watchProcess();
      await using inner = memoryStore();
      const failing = failingStore(inner);
      failing.fail();
      const app = new Hono();
      app.use(make(failing.store, listener));
      app.get("/", (c) => c.text("a page"));
      await using server = await served(app);
      const cookie = `__Host-session=${"A".repeat(43)}`;
      const answer = await fetch(server.url, { headers: { cookie } });
      expect([answer.status, await answer.text()]).toEqual([200, "a page"]);
      await expect.poll(() => watch.warnings()).toContain("KV_BACKGROUND");
      expect(new Set(await watch.warnings())).toEqual(new Set(["KV_BACKGROUND"]));
      expect(watch.fatal).toEqual([]);
    },
  );

  test("in the work after an answer becomes one too, where the response cannot be stored", async () => {
    using watch = watchProcess();
    await using inner = memoryStore();
    const failing = failingStore(inner);
    let told = 0;
    const cache = cacheApp(failing.store, {
      onStoreError: () => {
        told += 1;
        throw new Error("of the listener");
      },
    });
    cache.answerer = (_request, time) => {
      failing.fail();
      return new Response(`answer ${time}`, { headers: { Expires: lastDay } });
    };
    await using server = await served(cache.app);
    expect(await (await fetch(server.url)).text()).toBe("answer 1");
    await expect.poll(() => told).toBe(1);
    await expect.poll(() => watch.warnings()).toEqual(["KV_BACKGROUND"]);
    expect(watch.fatal).toEqual([]);
  });
});

test("whatever goes wrong while a response is stored, those who wait for it go on, and the next computes", async () => {
  using watch = watchProcess();
  await using inner = memoryStore();
  let isBroken = true;
  const store = new Proxy(inner, {
    get(target, name, receiver): unknown {
      const member: unknown = Reflect.get(target, name, receiver);
      if (name !== "compareAndSet" || !isBroken) return member;
      return () => {
        throw new Error("no failure of a store's");
      };
    },
  });
  const cache = cacheApp(store);
  cache.answerer = (_request, time) =>
    new Response(`answer ${time}`, { headers: { "Cache-Control": "max-age=60", Vary: "Accept" } });
  await using server = await served(cache.app);
  const ask = async () => (await fetch(server.url)).text();
  const answers = await Promise.all(Array.from({ length: 5 }, ask));
  for (const answer of answers) expect(answer).toMatch(/^answer \d$/);
  isBroken = false;
  await ask();
  await expect.poll(async () => (await fetch(server.url)).headers.get("Cache-Status")).toMatch(/hit/);
  expect([(await watch.warnings()).length > 0, watch.fatal]).toEqual([true, []]);
});

test.each(["Accept-Encoding; q=1", "Accept Encoding", "@@", "Accept, (comment)"])(
  "Vary: %s names no header, so nothing is stored, and the page goes on",
  async (vary) => {
    using watch = watchProcess();
    await using store = memoryStore();
    const cache = cacheApp(store, { freshFor: "1m" });
    cache.answerer = (_request, time) => new Response(`answer ${time}`, { headers: { Vary: vary } });
    await using server = await served(cache.app);
    const ask = async () => (await fetch(server.url)).text();
    expect([await ask(), await ask()]).toEqual(["answer 1", "answer 2"]);
    expect([await watch.warnings(), watch.fatal]).toEqual([[], []]);
  },
);

test("a body with a piece that is no bytes is not stored", async () => {
  await using store = memoryStore();
  const cache = cacheApp(store, { freshFor: "1m" });
  cache.answerer = () =>
    new Response(
      new ReadableStream<unknown>({
        start(controller) {
          controller.enqueue("a page in text");
          controller.close();
        },
      }) as ReadableStream<Uint8Array>,
    );
  await using server = await served(cache.app);
  const ask = async () => (await fetch(server.url)).text();
  expect([await ask(), await ask(), await ask()]).toEqual(Array.from({ length: 3 }, () => "a page in text"));
});
