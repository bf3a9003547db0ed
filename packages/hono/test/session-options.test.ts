import { json, type StandardSchema, StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { failingStore } from "@kv/test-backends";
import { Hono } from "hono";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type Session, type SessionCookieOptions, sessions } from "../src/index.ts";

interface Data {
  n: number;
}

async function cookieOf(cookie: SessionCookieOptions, rest: object = {}): Promise<string[]> {
  const app = new Hono()
    .use(sessions<Data>(memoryStore(), { onOutage: "refuse", cookie, ...rest }))
    .get("/", async (c) => {
      await c.var.session.update(() => ({ n: 1 }));
      return c.text("");
    });
  return (await app.request("/")).headers.getSetCookie();
}

describe("the cookie", () => {
  test.each<[SessionCookieOptions, string]>([
    [{}, "__Host-session=ID; Path=/; HttpOnly; Secure; SameSite=Lax"],
    [{ name: "sid", sameSite: "Strict" }, "__Host-sid=ID; Path=/; HttpOnly; Secure; SameSite=Strict"],
    [{ path: "/app" }, "__Secure-session=ID; Path=/app; HttpOnly; Secure; SameSite=Lax"],
    [
      { domain: "example.com" },
      "__Secure-session=ID; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax",
    ],
    [{ secure: false }, "session=ID; Path=/; HttpOnly; SameSite=Lax"],
    [
      { sameSite: "None", partitioned: true },
      "__Host-session=ID; Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
    ],
    [{ persistent: true }, "__Host-session=ID; Max-Age=43200; Path=/; HttpOnly; Secure; SameSite=Lax"],
  ])("of %j", async (options, expected) => {
    const [line = ""] = await cookieOf(options);
    expect(line.replace(/=[\w-]{43};/, "=ID;")).toBe(expected);
  });

  test("that is kept is kept for at most 400 days", async () => {
    const [line] = await cookieOf({ persistent: true }, { absoluteTimeout: "3650d" });
    expect(line).toContain("; Max-Age=34560000;");
  });

  test("that browsers would refuse is refused at the start", () => {
    for (const cookie of [
      { sameSite: "None", secure: false },
      { partitioned: true, secure: false },
      { secured: true },
    ]) {
      expect(() => sessions(memoryStore(), { onOutage: "refuse", cookie: cookie as object })).toThrow(
        TypeError,
      );
    }
  });
});

describe("options", () => {
  test("what becomes of requests in an outage has no default", () => {
    expect(() => sessions(memoryStore(), {} as never)).toThrow(/onOutage of sessions must be "refuse" or/);
  });

  test.each<[string, object]>([
    ["a misspelt option", { idleTimeOut: "1h" }],
    ["an idle timeout without end", { idleTimeout: Number.POSITIVE_INFINITY }],
    ["an idle timeout longer than the absolute one", { idleTimeout: "2d", absoluteTimeout: "1d" }],
    ["a duration that is none", { idleTimeout: "soon" }],
  ])("%s is refused", (_what, options) => {
    expect(() => sessions(memoryStore(), { onOutage: "refuse", ...options })).toThrow(/idleTime/);
  });

  test("the store is found by name", async () => {
    const registry = new StoreRegistry({ root: memoryStore() });
    for (const name of [undefined, "visitors"]) {
      const app = new Hono()
        .use(sessions<Data>(registry, { onOutage: "refuse", name }))
        .get("/", async (c) => {
          await c.var.session.update(() => ({ n: 1 }));
          return c.text("");
        });
      await app.request("/");
      const keys: string[] = [];
      for await (const key of registry.get(name ?? "sessions").keys()) keys.push(key);
      expect(keys).toHaveLength(1);
    }
  });

  test("a store without atomic steps is refused at the start", () => {
    const { get, set, close } = memoryStore();
    expect(() => sessions({ get, set, close } as never, { onOutage: "refuse" })).toThrow(
      /compareAndSet.*atomic/,
    );
  });

  test("a codec checks what is written, and nothing is stored of what it refuses", async () => {
    const schema: StandardSchema<Data> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          typeof (value as Data).n === "number" ? { value: value as Data } : { issues: [{ message: "no" }] },
      },
    };
    const store = memoryStore();
    const app = new Hono()
      .use(sessions<Data>(store, { onOutage: "refuse", codec: json(schema) }))
      .get("/", async (c) => {
        await expect(c.var.session.update(() => ({ n: "one" }) as never)).rejects.toMatchObject({
          code: "KV_INVALID_VALUE",
        });
        return c.text("");
      });
    const response = await app.request("/");
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []]);
  });
});

test("the data have their type, and are for reading", () => {
  new Hono().use(sessions<Data>(memoryStore(), { onOutage: "refuse" })).get("/", (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Data>>();
    expectTypeOf(c.var.session.data).toEqualTypeOf<Readonly<Data> | undefined>();
    return c.text("");
  });
});

test("once the response is on its way no session can begin, but one that is there can be written", async () => {
  let later: Promise<unknown> = Promise.resolve();
  const app = new Hono().use(sessions<Data>(memoryStore(), { onOutage: "refuse" }));
  app.get("/", (c) => {
    const { session } = c.var;
    later = new Promise((resolve) => setTimeout(resolve)).then(() => session.update(() => ({ n: 2 })));
    later.catch(() => {});
    return c.text("");
  });
  app.get("/begin", async (c) => {
    await c.var.session.update(() => ({ n: 1 }));
    return c.text("");
  });
  await app.request("/");
  await expect(later).rejects.toThrow("The response is on its way");
  const begun = await app.request("/begin");
  const cookie = begun.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  await app.request("/", { headers: { cookie } });
  expect(await later).toEqual({ n: 2 });
});

test("two writes of one request that begin a session begin one", async () => {
  const store = memoryStore();
  const app = new Hono().use(sessions<Data>(store, { onOutage: "refuse" })).get("/", async (c) => {
    const add = (data: Data | undefined): Data => ({ n: (data?.n ?? 0) + 1 });
    await Promise.all([c.var.session.update(add), c.var.session.update(add)]);
    return c.json(c.var.session.data);
  });
  const response = await app.request("/");
  expect([await response.json(), response.headers.getSetCookie().length]).toEqual([{ n: 2 }, 1]);
});

test("a request waits for a failing store once, not for each step", async () => {
  const { store, fail } = failingStore(memoryStore());
  let calls = 0;
  const counting = new Proxy(store, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        calls += 1;
        return Reflect.apply(member, target, args);
      };
    },
  });
  const app = new Hono().use(sessions<Data>(counting, { onOutage: "anonymous" })).get("/", async (c) => {
    await c.var.session.update(() => ({ n: 1 })).catch(() => {});
    await c.var.session.destroy().catch(() => {});
    return c.text("answered");
  });
  fail();
  const response = await app.request("/", { headers: { cookie: `__Host-session=${"A".repeat(43)}` } });
  expect([await response.text(), calls]).toEqual(["answered", 1]);
});
