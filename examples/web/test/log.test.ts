import { type FullStore, StoreError, StoreRegistry } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { expect, test } from "vitest";
import { webApp } from "../src/app.ts";

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

/** The application, somebody who has been there, and what was logged. */
async function start() {
  const failing = new Set<string>();
  const stores = new StoreRegistry<FullStore>({ defaultFactory: () => failingIn(failing) });
  const lines: string[] = [];
  const settings = { proxies: 0, isHttps: true, description: "a store that fails" };
  const app = webApp(stores, settings, (line) => lines.push(line));
  const env = { incoming: { socket: { remoteAddress: "203.0.113.7" } } };
  const ask = async (method: string, path: string, cookie = ""): Promise<Response> => {
    const headers = { cookie, origin: "http://localhost" };
    const form = new URLSearchParams({ user: "Ada", password: "sesame" });
    return app.request(path, { method, headers, ...(method === "POST" && { body: form }) }, env);
  };
  const cookie = (await ask("GET", "/")).headers.getSetCookie()[0]?.split(";")[0] ?? "";
  return { ask, cookie, failing, lines };
}

test.each([
  ["GET", "/health", "exists", "nobody"],
  ["GET", "/", "get", "a visitor"],
  ["GET", "/", "set", "nobody"],
  ["GET", "/", "compareAndSet", "a visitor"],
  ["GET", "/dice", "increment", "nobody"],
  ["POST", "/log-in", "increment", "a visitor"],
  ["POST", "/log-in", "compareAndDelete", "a visitor"],
  ["POST", "/log-in", "set", "a visitor"],
  ["POST", "/log-out", "delete", "a visitor"],
])("a 503 of %s %s for which %s failed is one line in the log", async (method, path, failed, who) => {
  const { ask, cookie, failing, lines } = await start();
  failing.add(failed);
  expect((await ask(method, path, who === "nobody" ? "" : cookie)).status).toBe(503);
  expect(lines).toEqual([`${failed}: the store was told to fail.`]);
});

test("what is answered without the store is logged too, and nothing else is", async () => {
  const { ask, cookie, failing, lines } = await start();
  for (const path of ["/", "/health", "/dice", "/style.css"]) await ask("GET", path, cookie);
  expect(lines).toEqual([]);
  failing.add("get");
  expect((await ask("GET", "/report")).status).toBe(200);
  expect(lines).toEqual(["get: the store was told to fail."]);
});
