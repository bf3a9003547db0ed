import { memoryStore } from "@kv/memory";
import { failingStore } from "@kv/test-backends";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cacheApp, fresh } from "./cache-app.ts";
import { newGate } from "./gate.ts";

// There a request may not wait for a promise of another, and one that does is ended by the runtime.

beforeEach(() => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

test("on Cloudflare Workers requests are collapsed by the entry in the store", async () => {
  const cache = cacheApp(memoryStore());
  const gate = newGate();
  cache.answerer = async (_request, time) => {
    await gate.pass();
    return new Response(`answer ${time}`, { headers: fresh });
  };
  const leading = cache.app.request("/");
  await gate.reached;
  const others = Array.from({ length: 10 }, () => cache.app.request("/"));
  gate.open();
  for (const response of await Promise.all([leading, ...others])) {
    expect(await response.text()).toBe("answer 1");
  }
  expect((await others[0])?.headers.get("Cache-Status")).toMatch(/^kv; hit; ttl=/); // from the store, not from the other
  expect(cache.computed()).toBe(1);
});

test("on Cloudflare Workers each request goes to the handler where the store fails", async () => {
  const failing = failingStore(memoryStore());
  failing.fail();
  const cache = cacheApp(failing.store);
  const gate = newGate(10); // opens only once all of them are in it
  cache.answerer = async (_request, time) => {
    await gate.pass();
    return new Response(`answer ${time}`, { headers: fresh });
  };
  const requests = Array.from({ length: 10 }, () => cache.app.request("/"));
  await gate.reached;
  gate.open();
  const answers = await Promise.all(requests.map(async (response) => (await response).text()));
  expect(new Set(answers).size).toBe(10);
});
