import { StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { sharedBackends, startWorker, testBackends } from "@kv/test-backends";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RateLimitOptions, rateLimit } from "../src/index.ts";
import { served } from "./serve.ts";

const everybody = { key: () => "everybody", window: "1h", onOutage: "refuse" } as const;

/** What a client reads. */
const limitOf = ({ status, headers }: Response): unknown => [
  status,
  headers.get("RateLimit"),
  headers.get("RateLimit-Policy"),
  headers.get("Retry-After"),
];

describe.each(testBackends)("rateLimit over HTTP on $name", ({ open }) => {
  let backend: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.stop());

  async function start(options: Partial<RateLimitOptions> & Pick<RateLimitOptions, "limit">) {
    const store = backend.store.withNamespace(crypto.randomUUID());
    let passed = 0;
    const app = new Hono().use(rateLimit(store, { ...everybody, ...options })).get("/", (c) => {
      passed += 1;
      return c.json(c.var.rateLimit?.remaining ?? "not counted");
    });
    const server = await served(app);
    return { ...server, store, passed: () => passed, ask: () => fetch(server.url) };
  }

  test("lets exactly so many pass, and says what is left and when the window ends", async () => {
    await using limited = await start({ limit: 2, policy: "hourly" });
    const policy = '"hourly";q=2;w=3600';
    const first = await limited.ask();
    expect(await first.json()).toBe(1);
    expect(limitOf(first)).toEqual([200, '"hourly";r=1;t=3600', policy, null]);
    expect(limitOf(await limited.ask())).toEqual([
      200,
      expect.stringMatching(/^"hourly";r=0;t=(3600|3[45]\d\d)$/),
      policy,
      null,
    ]);
    const refused = await limited.ask();
    expect(limitOf(refused)).toEqual([
      429,
      expect.stringMatching(/^"hourly";r=0;t=(3600|3[45]\d\d)$/),
      policy,
      expect.stringMatching(/^(3600|3[45]\d\d)$/),
    ]);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await refused.json()).toMatchObject({ status: 429, "violated-policies": ["hourly"] });
    expect(limited.passed()).toBe(2);
  });

  test("of many at once exactly so many pass", async () => {
    await using limited = await start({ limit: 5 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => limited.ask()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(55);
  });

  test("requests do not move the end of the window, refused ones neither, and a new one begins after it", async () => {
    await using limited = await start({ limit: 1 });
    await limited.ask();
    const [key = ""] = await keysOf(limited.store);
    await limited.store.touch(key, "30m"); // as if half of it were over
    const refused = await limited.ask();
    expect(Number(refused.headers.get("Retry-After"))).toBeLessThanOrEqual(1800);
    expect(await limited.store.expiresIn(key)).toBeLessThanOrEqual(1800);
    await limited.store.touch(key, "1ms");
    await expect.poll(() => limited.store.exists(key)).toBe(false);
    expect(limitOf(await limited.ask())).toEqual([200, '"default";r=0;t=3600', '"default";q=1;w=3600', null]);
  });

  test.each([
    { onOutage: "allow", status: 200 },
    { onOutage: "refuse", status: 503 },
  ] as const)(
    "an outage is $status with onOutage $onOutage, never 429, and ends",
    async ({ onOutage, status }) => {
      const codes: string[] = [];
      await using limited = await start({ limit: 1, onOutage, onStoreError: ({ code }) => codes.push(code) });
      await limited.ask();
      await backend.fail();
      for (let time = 0; time < 3; time += 1) {
        expect(limitOf(await limited.ask())).toEqual([status, null, null, null]);
      }
      expect(codes).toEqual(["KV_UNAVAILABLE", "KV_UNAVAILABLE", "KV_UNAVAILABLE"]);
      await backend.heal();
      await expect.poll(async () => (await limited.ask()).status).toBe(429); // it is counted on from before
    },
  );
});

describe.each(sharedBackends)("rateLimit in four processes on $name", ({ open }) => {
  test("of 200 requests at once exactly 5 pass", { timeout: 300_000 }, async () => {
    await using backend = await open();
    const argument = { place: backend.place, namespace: crypto.randomUUID(), limit: 5 };
    const module = new URL("rate-limit-worker.ts", import.meta.url);
    const workers = await Promise.all([1, 2, 3, 4].map(() => startWorker(module, argument)));
    try {
      const urls = workers.map(({ ready }) => (ready as { url: string }).url);
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, at) => fetch(urls[at % urls.length] as string)),
      );
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(195);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  });
});

describe("what is counted", () => {
  const ask = async (app: Hono, path: string, who: string): Promise<number> =>
    (await app.request(path, { headers: { who } })).status;
  const byHeader = {
    window: "1h",
    onOutage: "refuse",
    key: (c: { req: { header(n: string): string | undefined } }) => c.req.header("who"),
  } as const;

  test("clients are counted apart, and who has no key is not counted", async () => {
    const app = new Hono();
    app.use(rateLimit(memoryStore(), { limit: 1, ...byHeader }));
    app.get("/", (c) => c.text(""));
    expect([await ask(app, "/", "a"), await ask(app, "/", "a"), await ask(app, "/", "b")]).toEqual([
      200, 429, 200,
    ]);
    for (let time = 0; time < 3; time += 1) expect((await app.request("/")).status).toBe(200);
  });

  test("limits of different names and windows on one store are counted apart, each says its own", async () => {
    const store = memoryStore();
    const app = new Hono();
    app.use(rateLimit(store, { limit: 9, ...byHeader, policy: "all" }));
    app.use("/dear", rateLimit(store, { limit: 2, ...byHeader, policy: 'a "dear" one' }));
    app.get("/dear", (c) => c.text(""));
    app.get("/cheap", (c) => c.text(""));
    await ask(app, "/cheap", "a");
    const response = await app.request("/dear", { headers: { who: "a" } });
    expect(response.headers.get("RateLimit")).toBe('"a \\"dear\\" one";r=1;t=3600, "all";r=7;t=3600');
    expect(response.headers.get("RateLimit-Policy")).toBe('"a \\"dear\\" one";q=2;w=3600, "all";q=9;w=3600');
  });

  test("no two clients are one, whatever their keys hold", async () => {
    const app = new Hono();
    app.use(
      rateLimit(memoryStore(), {
        limit: 1,
        ...byHeader,
        key: (c) => decodeURIComponent(c.req.query("k") ?? ""),
      }),
    );
    app.get("/", (c) => c.text(""));
    for (const key of ["", "a", 'a"', "a,b", '","', "a\\", "\0", "__proto__", "ä", "a\u0308"]) {
      expect((await app.request(`/?k=${encodeURIComponent(encodeURIComponent(key))}`)).status).toBe(200);
    }
  });

  test("an answer of one's own in place of the 429", async () => {
    const respond: RateLimitOptions["respond"] = (c, { limit }) => c.text(`only ${limit}`, 403);
    const app = new Hono();
    app.use(rateLimit(memoryStore(), { limit: 1, ...everybody, respond }));
    app.get("/", (c) => c.text(""));
    await app.request("/");
    const refused = await app.request("/");
    expect([refused.status, await refused.text(), refused.headers.get("Retry-After")]).toEqual([
      403,
      "only 1",
      "3600",
    ]);
  });

  test("an error of the key is no outage", async () => {
    const app = new Hono();
    app.use(
      rateLimit(memoryStore(), {
        limit: 1,
        ...everybody,
        onOutage: "allow",
        key: () => {
          throw new Error("mine");
        },
      }),
    );
    app.onError((error, c) => c.text(error.message, 500));
    expect(await (await app.request("/")).text()).toBe("mine");
  });
});

describe("options", () => {
  test("what becomes of requests in an outage has no default, nor has the key", () => {
    const { key, window } = everybody;
    expect(() => rateLimit(memoryStore(), { limit: 1, window, key } as never)).toThrow(
      /onOutage of rateLimit must be/,
    );
    expect(() => rateLimit(memoryStore(), { limit: 1, window, onOutage: "allow" } as never)).toThrow(
      /key must be a function/,
    );
  });

  test.each<[object, RegExp]>([
    [{ limit: 0 }, /limit must be a whole number of at least 1/],
    [{ limit: 1.5 }, /limit must be a whole number/],
    [{ limit: "5" }, /limit must be a number/],
    [{ limit: 1, window: "60" }, /window must be a number and a unit/],
    [{ limit: 1, window: Number.POSITIVE_INFINITY }, /window must not be Infinity/],
    [{ limit: 1, policy: "" }, /policy must be text/],
    [{ limit: 1, policy: "täglich" }, /policy must be text/],
    [{ limit: 1, skip: true }, /no option "skip"/],
  ])("%j is refused", (options, message) => {
    expect(() => rateLimit(memoryStore(), { ...everybody, ...options } as never)).toThrow(message);
  });

  test("the store is found by name, and one without atomic steps is refused at the start", () => {
    const { get, set, close } = memoryStore();
    const registry = new StoreRegistry({ stores: { rate_limit: { get, set, close } as never } });
    expect(() => rateLimit(registry, { limit: 1, ...everybody })).toThrow(/increment.*"rate_limit" lacks/);
  });
});

async function keysOf(store: { keys(): AsyncIterable<string> }): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys;
}
