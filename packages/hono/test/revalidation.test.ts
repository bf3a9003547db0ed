import { memoryStore } from "@kv/memory";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Answerer } from "./cache-app.ts";
import { cacheApp } from "./cache-app.ts";
import { newGate } from "./gate.ts";

const tagged = { "Cache-Control": "max-age=60", ETag: '"one"' } as const;
const modified = "Thu, 01 Jan 2026 00:00:00 GMT";
const key = JSON.stringify(["GET", "http://localhost/"]);

/** An application whose clock, and its store's, is moved by the test. */
function clockedApp() {
  let nowMs = Date.UTC(2026, 6, 1);
  const store = memoryStore({ now: () => nowMs });
  onTestFinished(() => store.close());
  const cache = cacheApp(store, { now: () => nowMs });
  const ask = (headers: Record<string, string> = {}, method = "GET") =>
    cache.app.request("/", { method, headers });
  return Object.assign(cache, {
    store,
    ask,
    pass: (seconds: number): void => {
      nowMs += seconds * 1000;
    },
    text: async (headers?: Record<string, string>) => (await ask(headers)).text(),
    hit: (headers?: Record<string, string>) =>
      expect.poll(async () => (await ask(headers)).headers.get("Cache-Status")).toMatch(/hit/),
  });
}

/** An app whose page was stored, and went stale a second ago. */
async function staleApp(answerer: Answerer): Promise<ReturnType<typeof clockedApp>> {
  const cache = clockedApp();
  cache.answerer = answerer;
  await cache.text();
  await cache.hit();
  cache.pass(61);
  return cache;
}

/** Answers with 304 to who has the page, as a handler with tags does. */
const unlessKnown =
  (page: Record<string, string>, notModified: Record<string, string> | [string, string][] = {}): Answerer =>
  ({ headers }, time) =>
    headers.get("If-None-Match") === page["ETag"]
      ? new Response(null, { status: 304, headers: notModified })
      : new Response(`answer ${time}`, { headers: page });

describe("a page that is no longer fresh", () => {
  test("is asked for by its tag and its date, and after a 304 goes on from the store", async () => {
    const cache = clockedApp();
    const asked: unknown[] = [];
    const page = { ...tagged, "Last-Modified": modified, "X-Kept": "kept", "X-New": "old" };
    cache.answerer = (request, time) => {
      asked.push([request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")]);
      const notModified = {
        "Cache-Control": "max-age=90",
        "X-New": "new",
        "Content-Type": "x/y",
        ETag: '"one"',
      };
      return unlessKnown(page, notModified)(request, time);
    };
    expect(await cache.text()).toBe("answer 1");
    await cache.hit();
    cache.pass(100);
    const renewed = await cache.ask();
    expect([renewed.status, await renewed.text()]).toEqual([200, "answer 1"]);
    expect(renewed.headers.get("Cache-Status")).toBe("kv; fwd=stale");
    expect(asked).toEqual([
      [null, null],
      ['"one"', modified],
    ]);
    await cache.hit();
    cache.pass(80);
    const again = await cache.ask();
    expect(await again.text()).toBe("answer 1");
    expect(Object.fromEntries(again.headers)).toMatchObject({
      age: "80",
      "cache-control": "max-age=90",
      "cache-status": "kv; hit; ttl=10",
      "content-type": "text/plain;charset=UTF-8",
      date: "Wed, 01 Jul 2026 00:01:40 GMT",
      etag: '"one"',
      "x-kept": "kept",
      "x-new": "new",
    });
    expect(cache.computed()).toBe(2);
  });

  test("is asked for by its date alone where it has no tag", async () => {
    const cache = await staleApp(({ headers }, time) =>
      headers.get("If-Modified-Since") === modified
        ? new Response(null, { status: 304 })
        : new Response(`answer ${time}`, {
            headers: { "Cache-Control": "max-age=60", "Last-Modified": modified },
          }),
    );
    expect(await cache.text()).toBe("answer 1");
    await cache.hit();
    expect(cache.computed()).toBe(2);
  });

  test("that has changed is replaced", async () => {
    const cache = await staleApp(unlessKnown(tagged));
    cache.answerer = unlessKnown({ ...tagged, ETag: '"two"' });
    expect(await cache.text()).toBe("answer 2");
    await cache.hit();
    expect(await cache.text()).toBe("answer 2");
  });

  test("is 304 to a client that has it, and the page to one that has another", async () => {
    const cache = await staleApp(unlessKnown(tagged));
    expect((await cache.ask({ "If-None-Match": '"one"' })).status).toBe(304);
    await cache.hit();
    cache.pass(61);
    const other = await cache.ask({ "If-None-Match": '"other"' });
    expect([other.status, await other.text()]).toEqual([200, "answer 1"]);
  });

  test("is validated once for all who want it at once", async () => {
    const cache = await staleApp(unlessKnown(tagged));
    const gate = newGate();
    cache.answerer = async (request, time) => {
      await gate.pass();
      return unlessKnown(tagged)(request, time);
    };
    const waiting = [1, 2, 3, 4].map(() => cache.text());
    await gate.reached;
    gate.open();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["answer 1"]));
    expect(cache.computed()).toBe(2);
  });

  test("is validated by the tag of its own variant", async () => {
    const cache = clockedApp();
    cache.answerer = (request, time) =>
      unlessKnown({ ...tagged, ETag: `"${request.headers.get("Accept")}"`, Vary: "Accept" })(request, time);
    await cache.text({ Accept: "a" });
    await cache.text({ Accept: "b" });
    await cache.hit({ Accept: "a" });
    await cache.hit({ Accept: "b" });
    cache.pass(61);
    expect([await cache.text({ Accept: "b" }), await cache.text({ Accept: "a" })]).toEqual([
      "answer 2",
      "answer 1",
    ]);
    expect(cache.computed()).toBe(4);
  });

  test("is never used without being validated", async () => {
    const cache = await staleApp(
      () =>
        new Response("a page", {
          headers: { "Cache-Control": "max-age=60, must-revalidate", ETag: '"one"' },
        }),
    );
    cache.answerer = () => new Response("bad", { status: 503 });
    expect(await cache.text()).toBe("bad");
    expect((await cache.ask({}, "HEAD")).status).toBe(503);
  });

  test("is not made fresh by a 304 of another page", async () => {
    const cache = await staleApp(unlessKnown(tagged, { ...tagged, ETag: '"two"' }));
    const answer = await cache.ask();
    expect([await answer.text(), answer.headers.get("Age"), answer.headers.get("ETag")]).toEqual([
      "answer 1",
      "61",
      '"one"',
    ]);
    expect(await cache.text()).toBe("answer 3");
  });

  test("is not made anybody's by a 304 that sets cookies", async () => {
    const cache = await staleApp(
      unlessKnown(tagged, [
        ["Set-Cookie", "of=one"],
        ["Set-Cookie", "and=two"],
      ]),
    );
    const answer = await cache.ask();
    expect([await answer.text(), answer.headers.getSetCookie()]).toEqual(["answer 1", ["of=one", "and=two"]]);
    const next = await cache.ask();
    expect([await next.text(), next.headers.getSetCookie()]).toEqual(["answer 3", []]);
  });

  test("that was removed while it was validated is not stored again", async () => {
    const cache = await staleApp(unlessKnown(tagged));
    const gate = newGate();
    cache.answerer = async (request, time) => {
      if (request.method === "GET") await gate.pass();
      return unlessKnown(tagged)(request, time);
    };
    const early = cache.text();
    await gate.reached;
    await cache.ask({}, "PUT");
    gate.open();
    expect(await early).toBe("answer 1");
    expect(await cache.text()).toBe("answer 4");
  });

  test("stays in the store for as long again, a minute at least, and without tag or date not at all", async () => {
    for (const [headers, lastsS] of [
      [{ "Cache-Control": "max-age=300", ETag: '"one"' }, 600],
      [{ "Cache-Control": "max-age=1", "Last-Modified": modified }, 61],
      [{ "Cache-Control": "max-age=60" }, 60],
      [{ "Cache-Control": "max-age=60", "Last-Modified": "yesterday" }, 60],
      [{ "Cache-Control": "max-age=60, stale-if-error=600", ETag: '"one"' }, 660],
    ] as const) {
      const cache = clockedApp();
      cache.answerer = () => new Response("a page", { headers });
      await cache.text();
      await cache.hit();
      expect(await cache.store.expiresIn(key)).toBe(lastsS);
    }
  });
});
