import { type FullStore, isStoreError, json, type StandardSchema, StoreError } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { SessionEndedError, type SessionEnv, type SessionsOptions, sessions } from "../src/index.ts";

interface Data {
  readonly n: number;
}

/** A store whose methods of these names fail. */
function failingIn(failing: Set<string>): FullStore {
  return new Proxy(memoryStore(), {
    get(target, name, receiver): unknown {
      if (!failing.has(String(name))) return Reflect.get(target, name, receiver);
      return async () => {
        throw new StoreError("KV_UNAVAILABLE", `${String(name)}: the store was told to fail.`);
      };
    },
  });
}

/** An application with every write, what its `onStoreError` was told, and what its writes rejected with. */
async function start(options: Partial<SessionsOptions<Data>> = {}) {
  const failing = new Set<string>();
  const told: [message: string, path: string][] = [];
  const rejections: unknown[] = [];
  const app = new Hono<SessionEnv<Data>>();
  app.use(
    sessions<Data>(failingIn(failing), {
      onOutage: "refuse",
      onStoreError: ({ message }, c) => told.push([message, c.req.path]),
      ...options,
    }),
  );
  app.onError((error, c) => {
    rejections.push(error);
    return c.text("", isStoreError(error) ? 500 : 503);
  });
  app.get("/update", async (c) => c.json(await c.var.session.update((data) => ({ n: (data?.n ?? 0) + 1 }))));
  app.get("/bad-update", async (c) => c.json(await c.var.session.update(() => ({ n: "one" }) as never)));
  app.get("/regenerate", async (c) => {
    await c.var.session.regenerate((data) => ({ n: data?.n ?? 0 }));
    return c.text("");
  });
  app.get("/destroy", async (c) => {
    await c.var.session.destroy();
    return c.text("");
  });
  app.get("/destroy-and-update", async (c) => {
    await c.var.session.destroy().catch(() => {});
    return c.json(await c.var.session.update(() => ({ n: 1 })));
  });
  app.get("/ended", async (c) => {
    await ask("/destroy");
    return c.json(await c.var.session.update(() => ({ n: 1 })));
  });
  const cookie = (await app.request("/update")).headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const ask = async (path: string, headers: Record<string, string> = { cookie }): Promise<number> =>
    (await app.request(path, { headers })).status;
  return { ask, told, rejections, failing };
}

describe("onStoreError is told once of a failure", () => {
  test.each([
    ["compareAndSet", "/update"],
    ["compareAndDelete", "/regenerate"],
    ["set", "/regenerate"],
    ["delete", "/destroy"],
  ])("of %s in %s, which rejects with it", async (method, path) => {
    const { ask, told, rejections, failing } = await start();
    failing.add(method);
    expect(await ask(path)).toBe(500);
    expect(told).toEqual([[`${method}: the store was told to fail.`, path]]);
    expect(rejections).toEqual([expect.objectContaining({ code: "KV_UNAVAILABLE" })]);
  });

  test("of set where a visitor's first write fails", async () => {
    const { ask, told, failing } = await start();
    failing.add("set");
    expect(await ask("/update", {})).toBe(500);
    expect(told).toEqual([["set: the store was told to fail.", "/update"]]);
  });

  test("of each write of a request that fails", async () => {
    const { ask, told, failing } = await start();
    for (const method of ["delete", "compareAndSet"]) failing.add(method);
    expect(await ask("/destroy-and-update")).toBe(500);
    expect(told.map(([message]) => message.split(":")[0])).toEqual(["delete", "compareAndSet"]);
  });

  test("of a read for which the request is refused", async () => {
    const { ask, told, failing } = await start();
    failing.add("get");
    expect(await ask("/update")).toBe(503);
    expect(told).toEqual([["get: the store was told to fail.", "/update"]]);
  });

  test("of a read that the request goes on without, though its writes reject with the same", async () => {
    const { ask, told, rejections, failing } = await start({ onOutage: "anonymous" });
    failing.add("get");
    expect(await ask("/destroy-and-update")).toBe(500);
    expect(told).toEqual([["get: the store was told to fail.", "/destroy-and-update"]]);
    expect(rejections).toEqual([expect.objectContaining({ code: "KV_UNAVAILABLE" })]);
  });

  test("of data that the codec refuses to write", async () => {
    const schema: StandardSchema<Data> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          typeof (value as Data).n === "number" ? { value: value as Data } : { issues: [{ message: "no" }] },
      },
    };
    const { ask, told } = await start({ codec: json(schema) });
    expect(await ask("/bad-update")).toBe(500);
    expect(told).toHaveLength(1);
  });
});

test("onStoreError is not told of a session that ended meanwhile", async () => {
  const { ask, told, rejections } = await start();
  await ask("/ended");
  expect(rejections).toEqual([expect.any(SessionEndedError)]);
  expect(told).toEqual([]);
});

test("an onStoreError that throws ends neither the request nor the process, but becomes a process warning", async () => {
  const onStoreError = (): never => {
    throw new Error("the listener's own");
  };
  const { ask, rejections, failing } = await start({ onStoreError });
  const warned = new Promise((resolve) => {
    process.once("warning", resolve);
  });
  failing.add("compareAndSet");
  expect(await ask("/update")).toBe(500);
  expect(rejections).toEqual([expect.objectContaining({ code: "KV_UNAVAILABLE" })]);
  expect(await warned).toMatchObject({
    code: "KV_BACKGROUND",
    message: expect.stringContaining("the listener's own"),
  });
});

test("E2 data that the codec refuses are KV_INVALID_VALUE, which says where, and nothing is written", async () => {
  const store = memoryStore().withNamespace("sessions");
  const told: StoreError[] = [];
  const app = new Hono<SessionEnv<object>>();
  app.use(sessions<object>(store, { onOutage: "refuse", onStoreError: (error) => told.push(error) }));
  app.get("/", async (c) => c.json(await c.var.session.update(() => ({ since: new Date() }))));
  expect((await app.request("/")).status).toBe(500);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({
    code: "KV_INVALID_VALUE",
    message: expect.stringMatching(
      /^a write of a session on memory, namespace "sessions": .*since is a Date.*Nothing was written/,
    ),
  });
  for await (const key of store.keys()) expect(key).toBe("there is none");
});
