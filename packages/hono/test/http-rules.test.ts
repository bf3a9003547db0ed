import { memoryStore } from "@kv/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ResponseCacheOptions } from "../src/index.ts";
import { cacheApp, fresh } from "./cache-app.ts";

/** Rules of HTTP for what a cache keeps, gives out and removes. */
function pages(options: ResponseCacheOptions = {}) {
  let nowMs = Date.now();
  const store = memoryStore({ now: () => nowMs });
  onTestFinished(() => store.close());
  const cache = cacheApp(store, { now: () => nowMs, ...options });
  const ask = (headers: Record<string, string> = {}, method = "GET", url = "http://a.example/page") =>
    cache.app.request(url, { method, headers });
  return Object.assign(cache, {
    ask,
    pass: (seconds: number): void => {
      nowMs += seconds * 1000;
    },
    text: async (...args: Parameters<typeof ask>) => (await ask(...args)).text(),
    stored: (headers?: Record<string, string>) =>
      expect.poll(async () => (await ask(headers)).headers.get("Cache-Status")).toMatch(/hit/),
  });
}

describe("what is kept of a response", () => {
  test("headers are given out as they came, those that nobody knows too", async () => {
    const cache = pages();
    const headers = {
      ...fresh,
      "Content-Disposition": "attachment",
      "Content-Language": "de, en",
      "Content-Location": "/elsewhere",
      "Content-Security-Policy": "default-src 'self'",
      "Content-Type": "text/x-of-a-test; charset=x",
      ETag: '"one"',
      "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
      Link: "</a>; rel=a, </b>; rel=b",
      "X-Of-Nobody": "a, b",
    };
    cache.answerer = () => new Response("a page", { headers });
    await cache.text();
    await cache.stored();
    expect(Object.fromEntries((await cache.ask()).headers)).toMatchObject(
      Object.fromEntries(new Headers(headers)),
    );
  });

  test("those of one connection are not kept, and what Connection names is of one", async () => {
    const cache = pages();
    cache.answerer = () =>
      new Response("a page", {
        headers: {
          ...fresh,
          Connection: "close, X-Once , x-also-once",
          "Keep-Alive": "timeout=5",
          "Proxy-Authenticate": "Basic",
          "X-Once": "1",
          "X-Also-Once": "1",
          "X-Kept": "1",
        },
      });
    await cache.text();
    await cache.stored();
    const { headers } = await cache.ask();
    for (const name of ["Connection", "Keep-Alive", "Proxy-Authenticate", "X-Once", "X-Also-Once"]) {
      expect(headers.has(name)).toBe(false);
    }
    expect(headers.get("X-Kept")).toBe("1");
  });

  test("an age that it came with goes on from there", async () => {
    const cache = pages();
    cache.answerer = () => new Response("a page", { headers: { ...fresh, Age: "20, 50" } });
    await cache.text();
    await cache.stored();
    cache.pass(15);
    expect((await cache.ask()).headers.get("Age")).toBe("35");
    cache.pass(25);
    expect((await cache.ask()).headers.get("Cache-Status")).toBe("kv; fwd=uri-miss");
  });

  test("a page that says at last that it is not to be stored is not answered with the older one", async () => {
    const cache = pages();
    cache.answerer = () =>
      new Response("older", { headers: { "Cache-Control": "max-age=60, stale-if-error=600" } });
    await cache.text();
    await cache.stored();
    cache.pass(61);
    cache.answerer = () => new Response("newer", { headers: { "Cache-Control": "no-store" } });
    expect([await cache.text(), await cache.text()]).toEqual(["newer", "newer"]);
    cache.answerer = () => new Response("broken", { status: 503 });
    expect(await cache.text()).toBe("broken");
  });

  test("it is chosen by every header that Vary names, in whatever order it names them", async () => {
    const cache = pages();
    cache.answerer = ({ headers }, time) =>
      new Response(`${headers.get("X-A")}${headers.get("X-B")}${headers.get("X-C")}`, {
        headers: { ...fresh, Vary: time % 2 === 0 ? "X-A, X-B, X-C" : "x-c,X-B ,, X-A" },
      });
    for (const round of [1, 2]) {
      for (const a of ["0", "1"])
        for (const b of ["0", "1"])
          for (const c of ["0", "1"]) {
            expect(await cache.text({ "X-A": a, "X-B": b, "X-C": c, "X-D": `${round}` })).toBe(a + b + c);
            await cache.stored({ "X-A": a, "X-B": b, "X-C": c });
          }
    }
    expect(cache.computed()).toBe(8);
  });
});

describe("what removes a page", () => {
  test.each(["POST", "PUT", "PATCH", "DELETE", "M-SEARCH", "OF-NOBODY"])(
    "a %s that succeeds, and not one that fails",
    async (method) => {
      const cache = pages();
      cache.answerer = (request, time) =>
        new Response(`answer ${time}`, {
          status: Number(request.headers.get("X-Status") ?? 200),
          headers: fresh,
        });
      await cache.text();
      await cache.stored();
      for (const status of ["400", "500"]) await cache.ask({ "X-Status": status }, method);
      expect(await cache.text()).toBe("answer 1");
      await cache.ask({ "X-Status": "303" }, method);
      expect(await cache.text()).toBe("answer 5");
    },
  );

  test.each(["HEAD", "OPTIONS"])("and not a %s", async (method) => {
    const cache = pages();
    await cache.text();
    await cache.stored();
    await cache.ask({}, method);
    expect(await cache.text()).toBe("answer 1");
  });
});

describe("what a visitor can have computed", () => {
  test.each<Record<string, string>>([
    { "Cache-Control": "no-cache" },
    { "Cache-Control": "no-store" },
    { "Cache-Control": "max-age=0" },
    { "Cache-Control": "min-fresh=3600" },
    { "Cache-Control": "only-if-cached" },
    { Pragma: "no-cache" },
    { "If-None-Match": '"other"' },
    { "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" },
    { Accept: "x/y", "Accept-Language": "xx", "User-Agent": "somebody", Expect: "100-continue" },
  ])("not a page that is fresh, by %j", async (headers) => {
    const cache = pages();
    await cache.text();
    await cache.stored();
    const answer = await cache.ask(headers);
    expect([answer.status, await answer.text(), cache.computed()]).toEqual([200, "answer 1", 1]);
    await cache.ask(headers, "HEAD");
    expect(cache.computed()).toBe(1);
  });

  test.each<[what: string, headers: Record<string, string>, url?: string]>([
    ["a part", { Range: "bytes=0-1" }],
    ["a condition for a part", { "If-Range": '"one"' }],
    ["a condition for a change", { "If-Match": '"one"' }],
    ["another such", { "If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" }],
    ["another protocol", { Connection: "upgrade", Upgrade: "websocket" }],
    ["who they are", { Cookie: "session=ada" }],
    ["who they are, by a password", { Authorization: "Basic YQ==" }],
  ])("a page again each time, by saying %s", async (_what, headers) => {
    const cache = pages();
    await cache.text();
    await cache.stored();
    for (const time of [2, 3]) expect(await cache.text(headers)).toBe(`answer ${time}`);
    expect(await cache.text()).toBe("answer 1");
  });

  test.each([
    ["another query", {}, "http://a.example/page?of=nobody"],
    ["another spelling", {}, "http://a.example//page"],
    ["another host", {}, "http://b.example/page"],
    ["another value of what Vary names", { "Accept-Language": "xx" }, "http://a.example/page"],
  ])("once more, by %s", async (_what, headers, url) => {
    const cache = pages();
    cache.answerer = (_request, time) =>
      new Response(`answer ${time}`, { headers: { ...fresh, Vary: "Accept-Language" } });
    await cache.text();
    await cache.stored();
    expect(await cache.text(headers, "GET", url)).toBe("answer 2");
    await expect.poll(() => cache.text(headers, "GET", url)).toBe("answer 2");
    expect(await cache.text()).toBe("answer 1");
  });

  test("HEAD of a page that is not stored, each time, and what nobody may store", async () => {
    const cache = pages();
    for (const time of [1, 2]) {
      await cache.ask({}, "HEAD");
      expect(cache.computed()).toBe(time);
    }
    cache.answerer = (_request, time) => new Response(`answer ${time}`);
    expect([await cache.text(), await cache.text()]).toEqual(["answer 3", "answer 4"]);
  });
});
