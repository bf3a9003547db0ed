import { type FullStore, StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { redisStore } from "@kv/redis";
import { failingStore } from "@kv/test-backends";
import { startProxy, startStandalone } from "@kv/test-servers";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { HTTPException } from "hono/http-exception";
import { requestId } from "hono/request-id";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { rateLimit, responseCache, type SessionEnv, sessions } from "../src/index.ts";
import { cacheApp, fresh } from "./cache-app.ts";

const textOf = async (
  app: Pick<Hono, "request">,
  path = "/",
  headers: Record<string, string> = {},
): Promise<string> => (await app.request(path, { headers })).text();

describe("beside other middleware", () => {
  test("what is set outside of the cache is set for each answer, and not kept", async () => {
    const app = new Hono();
    let asked = 0;
    app.use(requestId({ generator: () => `request ${(asked += 1)}` }));
    app.use(cors({ origin: (origin) => origin }));
    app.use(responseCache(memoryStore()));
    app.get("/", (c) => c.text("a page", 200, fresh));
    for (const [origin, id, status] of [
      ["https://a.example", "request 1", /miss/],
      ["https://a.example", "request 2", /hit/],
      ["https://b.example", "request 3", /hit/],
    ] as const) {
      const { headers } = await app.request("/", { headers: { Origin: origin } });
      expect(headers.get("Access-Control-Allow-Origin")).toBe(origin);
      expect(headers.get("X-Request-Id")).toBe(id);
      expect(headers.get("Cache-Status")).toMatch(status);
    }
  });

  test("what is left of a limit is nobody else's", async () => {
    const app = new Hono();
    const key = (c: { req: { header(name: string): string | undefined } }) => c.req.header("who");
    app.use(responseCache(memoryStore()));
    app.use(rateLimit(memoryStore(), { limit: 9, window: "1h", key, onOutage: "refuse" }));
    app.get("/", (c) => c.text("a page", 200, fresh));
    expect((await app.request("/", { headers: { who: "ada" } })).headers.get("RateLimit")).toMatch(/r=8/);
    const hit = await app.request("/", { headers: { who: "bob" } });
    expect([hit.headers.get("RateLimit"), hit.headers.get("RateLimit-Policy")]).toEqual([null, null]);
  });

  test("a limit inside of the cache counts what is computed, and no request that is answered from it", async () => {
    const app = new Hono();
    app.use(responseCache(memoryStore()));
    app.use(rateLimit(memoryStore(), { limit: 3, window: "1h", key: () => "all", onOutage: "refuse" }));
    app.get("/", (c) => c.text("a page", 200, fresh));
    const statusOf = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await app.request(path, { headers })).status;
    expect(await statusOf("/")).toBe(200);
    await expect.poll(async () => (await app.request("/")).headers.get("Cache-Status")).toMatch(/hit/);
    for (let time = 0; time < 10; time += 1) expect(await statusOf("/")).toBe(200);
    expect([await statusOf("/?other"), await statusOf("/", { Range: "bytes=0-1" })]).toEqual([200, 200]);
    expect([await statusOf("/?more"), await statusOf("/", { Range: "bytes=0-1" })]).toEqual([429, 429]);
    expect(await statusOf("/")).toBe(200);
  });

  test("a page of somebody's session is not stored, even where its URL is said to be for all", async () => {
    const app = new Hono<SessionEnv<{ name: string }>>();
    app.use(responseCache(memoryStore(), { freshFor: "1m", isPublic: () => true }));
    app.use(sessions<{ name: string }>(memoryStore(), { onOutage: "refuse" }));
    app.get("/log-in/:name", async (c) => {
      await c.var.session.regenerate(() => ({ name: c.req.param("name") }));
      return c.text("welcome");
    });
    app.get("/", (c) => c.text(`hello ${c.var.session.data?.name ?? "visitor"}`));
    const cookie = (await app.request("/log-in/ada")).headers.getSetCookie()[0]?.split(";")[0] ?? "";
    expect((await app.request("/log-in/ada")).headers.getSetCookie()).not.toContain(cookie);
    expect(await textOf(app, "/", { cookie })).toBe("hello ada");
    expect(await textOf(app)).toBe("hello visitor");
  });

  test("a cache within a cache does not wait for it", async () => {
    const store = memoryStore();
    const app = new Hono();
    app.use(responseCache(store));
    app.get("/", responseCache(store), (c) => c.text("a page", 200, fresh));
    expect(await textOf(app)).toBe("a page");
  });

  test("the error page of a handler that threw is not stored, whatever it says", async () => {
    const throwing = new Hono().use(responseCache(memoryStore()));
    let times = 0;
    throwing.get("/", () => {
      times += 1;
      throw new HTTPException(404, { res: new Response("sorry", { status: 404, headers: fresh }) });
    });
    expect([await textOf(throwing), await textOf(throwing), times]).toEqual(["sorry", "sorry", 2]);
  });
});

describe("a store that fails", () => {
  function counted(store: FullStore): { store: FullStore; calls: string[] } {
    const calls: string[] = [];
    const counting = new Proxy(store, {
      get(target, name): unknown {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]): unknown => {
          calls.push(String(name));
          return Reflect.apply(member, target, args);
        };
      },
    });
    return { store: counting, calls };
  }

  test("is asked once by a request, which does not wait for it again", async () => {
    const failing = failingStore(memoryStore());
    failing.fail();
    const { store, calls } = counted(failing.store);
    const { app } = cacheApp(store);
    expect(await textOf(app)).toBe("answer 1");
    expect(calls).toEqual(["get"]);
    await app.request("/", { method: "HEAD" });
    expect(calls).toEqual(["get", "get"]);
  });

  test.each(["setIfAbsent", "compareAndSet", "compareAndDelete"])(
    "at %s only costs the storing",
    async (method) => {
      const inner = memoryStore();
      const store = new Proxy(inner, {
        get: (target, name): unknown =>
          name === method
            ? failing.store[name as "setIfAbsent"].bind(failing.store)
            : Reflect.get(target, name),
      });
      const failing = failingStore(memoryStore());
      failing.fail();
      const made = cacheApp(store);
      made.answerer = () => new Response("answer 1"); // for nobody else: the lease is given back
      expect(await textOf(made.app)).toBe("answer 1");
      await expect.poll(() => made.failures.length).toBeGreaterThan(0);
      expect(made.failures[0]?.code).toBe("KV_UNAVAILABLE");
    },
  );

  test("by silence holds a request up for the store's timeout, and no request for ever", {
    timeout: 300_000,
  }, async () => {
    await using server = await startStandalone({ kind: "redis" });
    await using proxy = await startProxy(server.port);
    await using store = redisStore({ url: proxy.through(server.url), timeout: "300ms" });
    const app = new Hono();
    app.use(rateLimit(store, { limit: 100, window: "1h", key: () => "everybody", onOutage: "allow" }));
    app.use(sessions<{ n: number }>(store, { onOutage: "anonymous" }));
    app.use(responseCache(store, { isPublic: () => true, freshFor: "1m" }));
    let times = 0;
    app.get("/", (c) => c.text(`answer ${(times += 1)}`));
    const cookie = `__Host-session=${"A".repeat(43)}`;
    expect(await textOf(app, "/", { cookie })).toBe("answer 1");
    await expect.poll(async () => (await app.request("/")).headers.get("Cache-Status")).toMatch(/hit/);
    proxy.silence();
    expect(await textOf(app, "/", { cookie })).toBe("answer 2");
    await proxy.heal();
    await expect.poll(() => textOf(app)).toBe("answer 1");
  });

  test("with a damaged entry loses that entry, and heals", async () => {
    const store = memoryStore();
    const { app } = cacheApp(store);
    await store.set(JSON.stringify(["GET", "http://localhost/"]), "rubbish", { expiresIn: "1h" });
    expect(await textOf(app)).toBe("answer 1");
    await expect.poll(() => textOf(app)).toBe("answer 1");
    await store.set(JSON.stringify(["GET", "http://localhost/"]), "{rubbish}\n", { expiresIn: "1h" });
    const again = await textOf(app);
    await expect.poll(() => textOf(app)).toBe(again);
  });
});

describe.each(["x", "too large to be stored"])("a write that fails in a way of its own, of %j", (body) => {
  test("leaves no lease behind, for which other processes would wait", async () => {
    const inner = memoryStore();
    let isBroken = true;
    const store = new Proxy(inner, {
      get(target, name) {
        if (name === "compareAndSet" && isBroken)
          return () => Promise.reject(new Error("an error of a wrapper's own"));
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? (member.bind(target) as unknown) : member;
      },
    });
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => warned.mockRestore());
    const app = new Hono();
    app.use(responseCache(store, { freshFor: "1m", maxBodyBytes: 5 }));
    app.get("/", (c) => c.text(body));
    await (await app.request("/")).text();
    isBroken = false;
    const keys = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const key of inner.keys()) found.push(key);
      return found;
    };
    await expect.poll(keys, { timeout: 5_000 }).toEqual([]);
    expect(warned).toHaveBeenCalled();
  });
});

describe("options", () => {
  test.each<[object, RegExp]>([
    [{ freshfor: "1m" }, /no option "freshfor"/],
    [{ freshFor: "soon" }, /freshFor must be/],
    [{ isPublic: true }, /isPublic must be a function/],
    [{ maxBodyBytes: -1 }, /maxBodyBytes must be/],
    [{ lockFor: Number.POSITIVE_INFINITY }, /lockFor must be at most/],
    [{ onOutage: "allow" }, /onOutage of responseCache must be "compute" or "refuse"/],
  ])("%j is refused", (options, message) => {
    expect(() => responseCache(memoryStore(), options as never)).toThrow(message);
  });

  test("the store is found by name, and one without atomic steps is refused at the start", async () => {
    const registry = new StoreRegistry({ root: memoryStore() });
    const { app } = cacheApp(registry);
    await textOf(app);
    await expect
      .poll(() => registry.get("response_cache").exists(JSON.stringify(["GET", "http://localhost/"])))
      .toBe(true);
    const { get, set, close } = memoryStore();
    expect(() => responseCache({ get, set, close } as never)).toThrow(
      /responseCache needs a store that has .*compareAndSet/,
    );
  });

  test("freshFor is for what does not say itself", async () => {
    const made = cacheApp(memoryStore(), { freshFor: "1m" });
    made.answerer = (_request, time) => new Response(`answer ${time}`);
    expect(await textOf(made.app)).toBe("answer 1");
    await expect.poll(() => textOf(made.app)).toBe("answer 1");
    made.answerer = (_request, time) =>
      new Response(`answer ${time}`, { headers: { "Cache-Control": "no-store" } });
    expect(await textOf(made.app, "/other")).not.toBe(await textOf(made.app, "/other"));
  });
});

test("a runtime that ends work with the answer is told of what is still to be written", async () => {
  const waited: Promise<unknown>[] = [];
  const { app } = cacheApp(memoryStore());
  const context = {
    waitUntil: (work: Promise<unknown>) => waited.push(work),
    passThroughOnException: () => {},
    props: {},
  };
  await app.request("/", {}, {}, context);
  await Promise.all(waited);
  expect(waited).toHaveLength(1);
  expect(await textOf(app)).toBe("answer 1");
});
