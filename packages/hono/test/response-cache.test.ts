import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { openElsewhere, sharedBackends, startWorker, testBackends } from "@kv/test-backends";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ResponseCacheOptions } from "../src/index.ts";
import { type CacheApp, cacheApp, fresh } from "./cache-app.ts";
import { newGate } from "./gate.ts";
import { served } from "./serve.ts";

describe.each(testBackends)("responseCache over HTTP on $name", ({ open }) => {
  let backend: Awaited<ReturnType<typeof open>>;
  const ends: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    backend = await open();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await backend.heal();
    await expect.poll(() => backend.store.deleteAll().then(() => "empty")).toBe("empty");
  });
  afterAll(() => backend.stop());

  interface Started extends CacheApp {
    readonly url: string;
    ask(path?: string, init?: RequestInit): Promise<Response>;
    text(path?: string, init?: RequestInit): Promise<string>;
    /** Waits until a page that was computed is in the store: it is written after the answer. */
    stored(path?: string): Promise<void>;
  }

  async function start(options: ResponseCacheOptions = {}, store = backend.store): Promise<Started> {
    const made = cacheApp(store, options);
    const { url, stop } = await served(made.app);
    ends.push(stop);
    const ask = (path: string = "/", init: RequestInit = {}) =>
      fetch(url + path, { redirect: "manual", ...init });
    return Object.assign(made, {
      url,
      ask,
      text: async (...args: Parameters<typeof ask>) => (await ask(...args)).text(),
      stored: (path?: string) =>
        expect.poll(async () => (await ask(path)).headers.get("Cache-Status")).toMatch(/hit/),
    });
  }

  test("what was computed once is answered from the store, with its age", async () => {
    let nowMs = Date.now();
    const cache = await start({ now: () => nowMs });
    cache.answerer = () =>
      new Response("a page", {
        headers: { ...fresh, "Content-Type": "text/plain; charset=x", "X-Of": "handler" },
      });
    const first = await cache.ask();
    expect([await first.text(), first.headers.get("Age")]).toEqual(["a page", null]);
    expect(first.headers.get("Cache-Status")).toBe("kv; fwd=uri-miss");
    await cache.stored();
    nowMs += 7_500;
    const second = await cache.ask();
    expect([await second.text(), cache.computed()]).toEqual(["a page", 1]);
    expect(Object.fromEntries(second.headers)).toMatchObject({
      age: "7",
      "cache-control": "max-age=60",
      "cache-status": "kv; hit; ttl=52",
      "content-type": "text/plain; charset=x",
      date: new Date(nowMs - 7_500).toUTCString(),
      "x-of": "handler",
    });
    nowMs += 52_500;
    expect(await cache.text()).toBe("a page");
    expect(cache.computed()).toBe(2);
  });

  test("bytes stay bytes, and empty bodies empty", async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at % 256);
    const cache = await start();
    cache.answerer = ({ url }) =>
      url.endsWith("/gone")
        ? new Response(null, { status: 204, headers: fresh })
        : new Response(bytes, { headers: fresh });
    for (let time = 0; time < 2; time += 1) {
      expect(new Uint8Array(await (await cache.ask("/bytes")).arrayBuffer())).toEqual(bytes);
      const gone = await cache.ask("/gone");
      expect([gone.status, await gone.text()]).toEqual([204, ""]);
    }
    expect(cache.computed()).toBe(2);
  });

  test.each<[what: string, responseInit: ResponseInit]>([
    ["a cookie", { headers: { ...fresh, "Set-Cookie": "session=secret" } }],
    ["no-store", { headers: { "Cache-Control": "no-store, max-age=60" } }],
    ["no-cache", { headers: { "Cache-Control": "no-cache, max-age=60" } }],
    ["private", { headers: { "Cache-Control": "private, max-age=60" } }],
    ["private in part", { headers: { "Cache-Control": 'max-age=60, private="X-User"' } }],
    ["Vary: *", { headers: { ...fresh, Vary: "*" } }],
    ["Vary: Cookie", { headers: { ...fresh, Vary: "Accept, Cookie" } }],
    ["no lifetime", {}],
    ["a server's error", { status: 500, headers: fresh }],
    ["a status that nobody knows", { status: 299, headers: fresh }],
  ])("a response with %s is computed for everyone", async (_what, init) => {
    const cache = await start();
    cache.answerer = (_request, time) => new Response(`answer ${time}`, init);
    for (const time of [1, 2, 3]) expect(await cache.text()).toBe(`answer ${time}`);
  });

  test.each(["Authorization", "Cookie"])(
    "a request with %s is neither answered from the cache nor stored",
    async (name) => {
      const cache = await start();
      cache.answerer = ({ headers }, time) =>
        new Response(`${headers.get(name)} ${time}`, { headers: fresh });
      expect(await cache.text("/", { headers: { [name]: "ada" } })).toBe("ada 1");
      expect(await cache.text()).toBe("null 2");
      expect(await cache.text("/", { headers: { [name]: "bob" } })).toBe("bob 3");
      expect(await cache.text()).toBe("null 2");
    },
  );

  test("but it is where the caller says that the page is for all", async () => {
    const cache = await start({ isPublic: (c) => c.req.path === "/all" });
    const headers = { Cookie: "session=ada", Authorization: "Bearer ada" };
    expect(await cache.text("/all", { headers })).toBe("answer 1");
    expect(await cache.text("/all")).toBe("answer 1");
    expect(await cache.text("/mine", { headers })).toBe("answer 2");
    expect(await cache.text("/mine", { headers })).toBe("answer 3");
  });

  test("paths, queries and hosts that are spelled in another way are other pages", async () => {
    const cache = await start();
    cache.answerer = ({ url }) => new Response(url, { headers: fresh });
    const { hostname, port } = new URL(cache.url);
    const asIs = async (target: string, host = "a.example"): Promise<string> => {
      const asked = request({ hostname, port, path: target, headers: { host, connection: "close" } }).end();
      const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
      return text(response);
    };
    const targets = [
      "/a/b /a/b/ /a//b //a/b /A/b /a%2Fb /a%2fb /a/b%20 /a/b;c /a/b, /%61/b /a/b? /a/b?x /a/b?x= /a/b?x=1&y=2",
      "/a/b?y=2&x=1 /a/b?x=1&x=2 /a/b?x=2&x=1 /a/b?x=1%26y=2 /a/b?x=1;y=2 /a/b?x=%22 /a/b%3Fx=1 /a/b?x=+ /a/b?x=%20",
      '/a/b?","',
    ].flatMap((line) => line.split(" "));
    const first = new Map<string, string>();
    for (const target of targets) first.set(target, await asIs(target));
    expect(new Set(first.values()).size).toBe(targets.length); // no two were one
    expect(cache.computed()).toBe(targets.length);
    for (const target of targets) expect(await asIs(target)).toBe(first.get(target));
    expect(cache.computed()).toBe(targets.length);
    expect(await asIs("/a/b", "b.example")).toBe("http://b.example/a/b");
    expect(await asIs("/a/b", "a.example:81")).toBe("http://a.example:81/a/b");
  });

  test("HEAD is answered from GET, and GET never from HEAD", async () => {
    const cache = await start();
    cache.answerer = ({ method }, time) =>
      new Response(`${method} ${time}`, { headers: { ...fresh, "X-Time": `${time}` } });
    const alone = await cache.ask("/", { method: "HEAD" });
    expect([alone.headers.get("X-Time"), await alone.text()]).toEqual(["1", ""]);
    expect(await cache.text()).toBe("GET 2");
    const after = await cache.ask("/", { method: "HEAD" });
    expect([after.headers.get("X-Time"), after.headers.get("Age"), await after.text()]).toEqual([
      "2",
      "0",
      "",
    ]);
    expect(await cache.text()).toBe("GET 2");
    expect(cache.computed()).toBe(2);
  });

  test("Vary keeps responses apart, a header that is missing from an empty one too", async () => {
    const cache = await start();
    cache.answerer = ({ headers }, time) =>
      new Response(`${headers.get("Accept-Language")} ${time}`, {
        headers: { ...fresh, Vary: "Accept-Language" },
      });
    const inLanguage = (language: string) => cache.text("/", { headers: { "Accept-Language": language } });
    expect([await inLanguage("de"), await inLanguage("fr"), await inLanguage("")]).toEqual([
      "de 1",
      "fr 2",
      " 3",
    ]);
    expect([await inLanguage("de"), await inLanguage("fr"), await inLanguage("")]).toEqual([
      "de 1",
      "fr 2",
      " 3",
    ]);
    expect((await cache.ask("/", { headers: { "Accept-Language": "it" } })).headers.get("Cache-Status")).toBe(
      "kv; fwd=vary-miss",
    );
  });

  test("a URL whose responses vary by more and more is never answered for another", async () => {
    const cache = await start();
    cache.answerer = ({ headers }) =>
      new Response(`${headers.get("X-A")} ${headers.get("X-A") === "1" ? headers.get("X-B") : "any"}`, {
        headers: { ...fresh, Vary: headers.get("X-A") === "1" ? "X-A, X-B" : "X-A" },
      });
    for (let round = 0; round < 3; round += 1) {
      for (const [a, b] of ["00", "01", "10", "11", "02", "12"]) {
        expect(await cache.text("/", { headers: { "X-A": a ?? "", "X-B": b ?? "" } })).toBe(
          `${a} ${a === "1" ? b : "any"}`,
        );
      }
    }
    const before = cache.computed();
    expect(await cache.text("/", { headers: { "X-A": "1", "X-B": "2" } })).toBe("1 2");
    expect(cache.computed()).toBe(before);
  });

  test("of a thousand who want one missing page at once one computes it", { timeout: 300_000 }, async () => {
    const cache = await start();
    const gate = newGate();
    cache.answerer = async (_request, time) => {
      await gate.pass();
      return new Response(`answer ${time}`, { headers: fresh });
    };
    const asked = Array.from({ length: 1_000 }, () => cache.text());
    await gate.reached;
    gate.open();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["answer 1"]));
    expect(cache.computed()).toBe(1);
  });

  test("those who waited for what turns out to be for one compute at once, not one after the other", async () => {
    const cache = await start();
    const first = newGate();
    const others = newGate(20); // opens only once all of them are in it
    cache.answerer = async (_request, time) => {
      await (time === 1 ? first : others).pass();
      return new Response(`answer ${time}`, { headers: { ...fresh, "Set-Cookie": `session=${time}` } });
    };
    const leading = cache.text();
    await first.reached;
    const waiting = Array.from({ length: 20 }, () => cache.text());
    first.open();
    expect(await leading).toBe("answer 1");
    await others.reached;
    others.open();
    expect(new Set(await Promise.all(waiting)).size).toBe(20); // and nobody got another's
  });

  test("a page that becomes fit for all is stored from then on", async () => {
    const cache = await start();
    cache.answerer = () => new Response("not yet", { status: 503 });
    expect(await cache.text()).toBe("not yet");
    cache.answerer = (_request, time) => new Response(`answer ${time}`, { headers: fresh });
    expect(await cache.text()).toBe("answer 2");
    await expect.poll(async () => [await cache.text(), await cache.text()]).toEqual(["answer 2", "answer 2"]);
  });

  test("who has the page is told so, and the handler is asked for all of it", async () => {
    const cache = await start();
    cache.answerer = ({ headers }) =>
      headers.has("If-None-Match")
        ? new Response(null, { status: 304 })
        : new Response("a page", { headers: { ...fresh, ETag: '"one"', "X-Of": "page" } });
    for (const [tag, status] of [
      ['"one"', 304],
      ['W/"one"', 304],
      ['"two", "one"', 304],
      ["*", 304],
      ['"two"', 200],
    ] as const) {
      const response = await cache.ask("/", { headers: { "If-None-Match": tag } });
      expect([response.status, await response.text()]).toEqual([status, status === 304 ? "" : "a page"]);
      expect(response.headers.get("ETag")).toBe('"one"');
      expect(response.headers.get("X-Of")).toBe(status === 304 ? null : "page");
    }
    expect(cache.computed()).toBe(1);
  });

  test("parts of a page are the handler's", async () => {
    const cache = await start();
    cache.answerer = ({ headers }) =>
      headers.has("Range")
        ? new Response("pa", { status: 206, headers: { ...fresh, "Content-Range": "bytes 0-1/4" } })
        : new Response("page", { headers: fresh });
    const part = { headers: { Range: "bytes=0-1" } };
    expect(await cache.text("/", part)).toBe("pa");
    expect(await cache.text()).toBe("page");
    expect(await cache.text("/", part)).toBe("pa");
  });

  test("a body goes to the client as it comes, and is stored when it has come", async () => {
    const cache = await start();
    const gate = newGate();
    cache.answerer = () => new Response(streamOf(["first ", gate, "second"]), { headers: fresh });
    const reader = (await cache.ask()).body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("first ");
    const waiting = cache.text();
    gate.open();
    expect(await waiting).toBe("first second");
    await reader?.cancel();
    expect(await cache.text()).toBe("first second");
    expect(cache.computed()).toBe(1);
  });

  test("a client that goes away takes the page from nobody", async () => {
    const cache = await start();
    const gate = newGate();
    cache.answerer = () => new Response(streamOf(["first ", gate, "second"]), { headers: fresh });
    const leaving = new AbortController();
    const reader = (await cache.ask("/", { signal: leaving.signal })).body?.getReader();
    await reader?.read();
    leaving.abort();
    gate.open();
    expect(await cache.text()).toBe("first second");
  });

  test("a body that is too large passes through whole, and is not stored", async () => {
    const cache = await start({ maxBodyBytes: 10 });
    cache.answerer = () => new Response(streamOf(["12345", "67890", "1"]), { headers: fresh });
    expect(await cache.text()).toBe("12345678901");
    expect(await cache.text()).toBe("12345678901");
    expect(cache.computed()).toBe(2);
    cache.answerer = () => new Response(streamOf(["12345", "67890"]), { headers: fresh });
    expect(await cache.text("/smaller")).toBe("1234567890");
    expect(await cache.text("/smaller")).toBe("1234567890");
    expect(cache.computed()).toBe(3);
  });

  test("a body that breaks off is not stored", async () => {
    const printed = vi.spyOn(console, "error").mockImplementation(() => {}); // by the server, which meets the error
    onTestFinished(() => printed.mockRestore());
    const cache = await start();
    cache.answerer = () => new Response(streamOf(["half", new Error("broken")]), { headers: fresh });
    await cache.text().catch(() => {});
    cache.answerer = () => new Response("whole", { headers: fresh });
    expect(await cache.text()).toBe("whole");
  });

  test("while one computes a stale page anew the others get the stale one, where it says so", async () => {
    let nowMs = Date.now();
    const cache = await start({ now: () => nowMs });
    const gate = newGate();
    cache.answerer = async (_request, time) => {
      if (time > 1) await gate.pass();
      return new Response(`answer ${time}`, {
        headers: { "Cache-Control": "max-age=60, stale-while-revalidate=30" },
      });
    };
    await cache.text();
    await cache.stored();
    nowMs += 70_000;
    const renewing = cache.text();
    await gate.reached;
    const stale = await cache.ask();
    expect([await stale.text(), stale.headers.get("Age")]).toEqual(["answer 1", "70"]);
    expect(stale.headers.get("Cache-Status")).toBe("kv; hit; ttl=-10");
    gate.open();
    expect(await renewing).toBe("answer 2");
    await expect.poll(() => cache.text()).toBe("answer 2");
    expect(cache.computed()).toBe(2);
  });

  test("a stale page stands for an error, where it says so, and no longer", async () => {
    let nowMs = Date.now();
    const cache = await start({ now: () => nowMs });
    cache.answerer = () =>
      new Response("good", { headers: { "Cache-Control": "max-age=60, stale-if-error=600" } });
    await cache.text();
    await cache.stored();
    cache.answerer = () => new Response("bad", { status: 503 });
    nowMs += 600_000;
    expect(await cache.text()).toBe("good");
    expect(await Promise.all([1, 2, 3, 4].map(() => cache.text()))).toEqual(["good", "good", "good", "good"]);
    nowMs += 60_000;
    expect(await cache.text()).toBe("bad");
  });

  test("a change of a URL that succeeds removes its page, in all its variants", async () => {
    const cache = await start();
    cache.answerer = ({ method, headers }, time) =>
      new Response(`${method} ${time}`, {
        status: headers.has("X-Fail") ? 400 : 200,
        headers: { ...fresh, Vary: "Accept" },
      });
    const accept = { headers: { Accept: "text/plain" } };
    await cache.text();
    await cache.text("/", accept);
    await cache.text("/", { method: "POST", headers: { "X-Fail": "1" } });
    expect([await cache.text(), await cache.text("/", accept)]).toEqual(["GET 1", "GET 2"]);
    await cache.text("/", { method: "DELETE" });
    expect([await cache.text(), await cache.text("/", accept)]).toEqual(["GET 5", "GET 6"]);
  });

  test("what was computed before a change is not stored after it", async () => {
    const cache = await start();
    const gate = newGate();
    cache.answerer = async (_request, time) => {
      if (time === 1) await gate.pass();
      return new Response(`answer ${time}`, { headers: fresh });
    };
    const early = cache.text();
    await gate.reached;
    await cache.text("/", { method: "PUT" });
    expect(await cache.text()).toBe("answer 3"); // nor waited for by those who come after it
    gate.open();
    expect(await early).toBe("answer 1");
    expect(await cache.text()).toBe("answer 3");
    expect(await cache.text()).toBe("answer 3");
  });

  test("in an outage pages are computed, and afterwards all is as it was", async () => {
    const cache = await start();
    await cache.text("/known");
    await cache.stored("/known");
    await backend.fail();
    expect(await cache.text("/known")).toBe("answer 2");
    expect(await cache.text("/known")).toBe("answer 3");
    expect(new Set(cache.failures.map(({ code }) => code))).toEqual(new Set(["KV_UNAVAILABLE"]));
    expect((await cache.ask("/", { method: "POST" })).status).toBe(200);
    await backend.heal();
    await expect.poll(() => cache.text("/known")).toBe("answer 1");
  });

  test("in an outage too one computes for those of a process who want a page at once", async () => {
    const cache = await start();
    await backend.fail();
    const gate = newGate();
    cache.answerer = async (_request, time) => {
      await gate.pass();
      return new Response(`answer ${time}`, { headers: fresh });
    };
    const asked = Array.from({ length: 20 }, () => cache.text());
    await gate.reached;
    await expect.poll(() => cache.failures.length).toBe(20); // all have met the outage
    gate.open();
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["answer 1"]));
  });

  test("an outage in the middle of traffic fails no request", { timeout: 300_000 }, async () => {
    const cache = await start();
    let at = 0;
    const traffic = async (): Promise<number[]> =>
      Promise.all(Array.from({ length: 40 }, async () => (await cache.ask(`/${(at += 1) % 7}`)).status));
    const before = traffic();
    await backend.fail();
    const during = traffic();
    expect(new Set([...(await before), ...(await during)])).toEqual(new Set([200]));
    await backend.heal();
    expect(new Set(await traffic())).toEqual(new Set([200]));
    await expect
      .poll(async () => {
        await cache.ask("/after");
        return (await cache.ask("/after")).headers.get("Cache-Status");
      })
      .toMatch(/hit/);
  });

  test("an outage refuses with 503 where told so", async () => {
    const cache = await start({ onOutage: "refuse" });
    await backend.fail();
    expect((await cache.ask()).status).toBe(503);
    expect(cache.computed()).toBe(0);
    await backend.heal();
    await expect.poll(async () => (await cache.ask()).status).toBe(200);
  });

  test("what a process that died has left holds others up for lockFor, and no longer", async () => {
    const cache = await start();
    const pending = new TextEncoder().encode('{"kind":"pending","token":"of a dead process"}\n');
    await backend.store.set(JSON.stringify(["GET", `${cache.url}/`]), pending, { expiresIn: "200ms" });
    expect(await cache.text()).toBe("answer 1");
  });
});

describe.each(sharedBackends)("responseCache in several processes on $name", ({ open }) => {
  test("of a thousand who want one missing page at once one computes it", { timeout: 300_000 }, async () => {
    await using backend = await open();
    const argument = { place: backend.place, namespace: crypto.randomUUID() };
    const module = new URL("cache-worker.ts", import.meta.url);
    const workers = await Promise.all([1, 2, 3, 4].map(() => startWorker(module, argument)));
    // All of one host, as it is behind a balancer.
    const ports = workers.map(({ ready }) => new URL((ready as { url: string }).url).port);
    const ask = async (port: string | undefined): Promise<string> => {
      const asked = request({ hostname: "127.0.0.1", port, headers: { host: "example.com" } }).end();
      const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
      return text(response);
    };
    try {
      const answers = await Promise.all(Array.from({ length: 1_000 }, (_, at) => ask(ports[at % 4])));
      expect(new Set(answers)).toEqual(new Set(["computed 1"]));
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  });

  test("those who waited for what turns out to be for one go on at once in another process too", async () => {
    await using backend = await open();
    await using elsewhere = openElsewhere(backend.place);
    const [one, two] = [cacheApp(backend.store), cacheApp(elsewhere)];
    const [first, others] = [newGate(), newGate(10)];
    one.answerer = async () => {
      await first.pass();
      return new Response("one", { headers: { ...fresh, "Set-Cookie": "session=one" } });
    };
    two.answerer = async (_request, time) => {
      await others.pass();
      return new Response(`two ${time}`, { headers: { ...fresh, "Set-Cookie": `session=${time}` } });
    };
    const leading = one.app.request("http://example.com/");
    await first.reached;
    const waiting = Array.from({ length: 10 }, () => two.app.request("http://example.com/"));
    first.open();
    await leading;
    await others.reached; // all ten at once
    others.open();
    for (const response of waiting) expect(await (await response).text()).toMatch(/^two/);
  });
});

type Part = string | Error | { pass(): Promise<void> };

function streamOf(parts: readonly Part[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      const part = parts[at];
      at += 1;
      if (part === undefined) controller.close();
      else if (part instanceof Error) controller.error(part);
      else if (typeof part === "string") controller.enqueue(encoder.encode(part));
      else {
        await part.pass();
        controller.enqueue(new Uint8Array());
      }
    },
  });
}
