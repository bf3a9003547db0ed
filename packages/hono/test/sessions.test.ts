import { createHash } from "node:crypto";
import { type FullStore, type Store } from "@kv/core";
import { openElsewhere, sharedBackends, testBackends } from "@kv/test-backends";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Browser } from "./browser.ts";
import { newGate } from "./gate.ts";
import { served } from "./serve.ts";
import { type SessionApp, sessionApp } from "./session-app.ts";

const cookieName = "__Host-session";

/** The key at which the session of an id lies. */
const keyOf = (id: string | undefined): string => createHash("sha256").update(`${id}`).digest("base64url");

async function keysOf(store: FullStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys;
}

describe.each(testBackends)("sessions over HTTP on $name", ({ open }) => {
  let backend: Awaited<ReturnType<typeof open>>;
  let store: FullStore;
  const ends: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    backend = await open();
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    await backend.store.deleteAll();
  });
  afterAll(() => backend.stop());

  async function start(
    options: Parameters<typeof sessionApp>[1] = {},
  ): Promise<SessionApp & { readonly browser: Browser; readonly url: string }> {
    store = backend.store.withNamespace(crypto.randomUUID());
    const made = sessionApp(store, options);
    const { url, stop } = await served(made.app);
    ends.push(stop);
    return Object.assign(made, { browser: new Browser(url), url });
  }

  test("a visitor without data gets no cookie, and nothing is stored", async () => {
    const { browser } = await start();
    const response = await browser.ask("/");
    expect(await response.json()).toBeNull();
    expect(response.headers.getSetCookie()).toEqual([]);
    await browser.ask("/rotate");
    const bye = await browser.ask("/log-out");
    expect(bye.headers.getSetCookie()).toEqual([]);
    expect(await keysOf(store)).toEqual([]);
  });

  test("the first write begins a session, and the next requests have its data", async () => {
    const { browser } = await start();
    const first = await browser.ask("/visit");
    expect(first.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect(first.headers.get("Cache-Control")).toBe("private, no-cache");
    expect(await browser.text("/visit")).toBe('{"visits":2}');
    const third = await browser.ask("/");
    expect(await third.text()).toBe('{"visits":2}');
    expect(third.headers.getSetCookie()).toEqual([]);
    expect(third.headers.get("Cache-Control")).toBe("private, no-cache");
  });

  test("a response that the handler made by itself gets its cookie too", async () => {
    const { browser } = await start();
    await browser.ask("/raw");
    expect(await browser.text("/")).toBe('{"visits":1}');
  });

  test("the store knows the hash of an id, never the id", async () => {
    const { browser } = await start();
    await browser.ask("/visit");
    const id = browser.cookies.get(cookieName);
    expect(await keysOf(store)).toEqual([keyOf(id)]);
    expect(new TextDecoder().decode(await store.get(keyOf(id)))).not.toContain(id);
  });

  test("fixation: an id that the store does not know is never taken over", async () => {
    const { url } = await start();
    const planted = "A".repeat(43);
    const victim = new Browser(url, [[cookieName, planted]]);
    const response = await victim.ask("/");
    expect(response.headers.getSetCookie()).toEqual([]); // nor is it taken away, which might end a newer one
    await victim.ask("/visit");
    expect(victim.cookies.get(cookieName)).not.toBe(planted);
    expect(await keysOf(store)).not.toContain(keyOf(planted));
    expect(await new Browser(url, [[cookieName, planted]]).text("/")).toBe("null");
  });

  test("fixation: a log-in ends the id that was known before it, and keeps the data", async () => {
    const { browser, url } = await start();
    await browser.ask("/visit");
    const attacker = new Browser(url, browser.cookies);
    expect(await browser.text("/log-in")).toBe('{"visits":1,"user":"ada"}');
    expect(browser.cookies.get(cookieName)).not.toBe(attacker.cookies.get(cookieName));
    expect(await attacker.text("/")).toBe("null");
    expect(await browser.text("/")).toBe('{"visits":1,"user":"ada"}');
    expect(await keysOf(store)).toHaveLength(1);
  });

  test("what is no id is not even asked for", async () => {
    const { url } = await start();
    for (const id of ["", "short", "A".repeat(44), "../../etc/passwd", `${"A".repeat(42)}%00`]) {
      expect(await new Browser(url, [[cookieName, id]]).text("/")).toBe("null");
    }
  });

  test("a log-out ends the session in the store and in the browser", async () => {
    const { browser, url } = await start();
    await browser.ask("/log-in");
    const copy = new Browser(url, browser.cookies);
    const response = await browser.ask("/log-out");
    expect(response.headers.getSetCookie()).toEqual([
      "__Host-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
    ]);
    expect(browser.cookies.size).toBe(0);
    expect(await copy.text("/")).toBe("null");
    expect(await keysOf(store)).toEqual([]);
  });

  test.each(["/slow-visit", "/slow-log-in"])(
    "a log-out while %s is under way is not undone by it",
    async (slow) => {
      const made = await start();
      await made.browser.ask("/log-in");
      const saving = new Browser(made.url, made.browser.cookies);
      made.gate = newGate();
      const saved = saving.ask(slow);
      await made.gate.reached; // the session is read, and about to be written
      await made.browser.ask("/log-out");
      made.gate.open();
      const response = await saved;
      expect(response.status).toBe(409);
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(await keysOf(store)).toEqual([]);
    },
  );

  test("a save while a log-in is under way lands in neither the old session nor a new one", async () => {
    const made = await start();
    await made.browser.ask("/visit");
    const saving = new Browser(made.url, made.browser.cookies);
    made.gate = newGate();
    const saved = saving.ask("/slow-visit");
    await made.gate.reached;
    await made.browser.ask("/log-in");
    made.gate.open();
    expect((await saved).status).toBe(409);
    expect(await made.browser.text("/")).toBe('{"visits":1,"user":"ada"}');
    expect(await keysOf(store)).toHaveLength(1);
  });

  test("of many log-ins at once of one session one goes on, and one session is there", async () => {
    const made = await start();
    await made.browser.ask("/visit");
    const twins = Array.from({ length: 8 }, () => new Browser(made.url, made.browser.cookies));
    made.gate = newGate(twins.length);
    const asked = twins.map((twin) => twin.ask("/slow-log-in"));
    await made.gate.reached; // all have read the session
    made.gate.open();
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(7).fill(409)]);
    expect(await keysOf(store)).toHaveLength(1);
  });

  test("no save of many at once is lost", async () => {
    const { browser, url } = await start();
    await browser.ask("/visit");
    const twins = Array.from({ length: 40 }, () => new Browser(url, browser.cookies));
    await Promise.all(twins.map((twin) => twin.ask("/visit")));
    expect(await browser.text("/")).toBe('{"visits":41}');
  });

  test("after a log-out a write in the same request begins a new session", async () => {
    const { browser, url } = await start();
    await browser.ask("/visit");
    const old = new Browser(url, browser.cookies);
    expect(await browser.text("/log-out-and-visit")).toBe('{"visits":1}');
    expect(await browser.text("/")).toBe('{"visits":1}');
    expect(await old.text("/")).toBe("null");
  });

  test("each request renews the session, and an idle one expires", async () => {
    const { browser } = await start({ idleTimeout: "10m" });
    await browser.ask("/visit");
    const key = keyOf(browser.cookies.get(cookieName));
    expect(await leftOf(store, key)).toBeCloseTo(600, -2);
    await store.touch(key, "5m");
    await browser.ask("/");
    expect(await leftOf(store, key)).toBeGreaterThan(500);
    await store.touch(key, "1ms");
    await expect.poll(() => store.exists(key)).toBe(false);
    expect(await browser.text("/")).toBe("null");
  });

  test("however busy, a session ends with the absolute timeout, and its entry with it", async () => {
    let nowMs = Date.now();
    const { browser } = await start({ idleTimeout: "10m", absoluteTimeout: "1h", now: () => nowMs });
    await browser.ask("/visit");
    const key = keyOf(browser.cookies.get(cookieName));
    nowMs += 55 * 60_000;
    expect(await browser.text("/visit")).toBe('{"visits":2}');
    expect(await leftOf(store, key)).toBeLessThanOrEqual(5 * 60); // not beyond the end
    nowMs += 5 * 60_000;
    expect(await browser.text("/")).toBe("null");
    expect(await store.exists(key)).toBe(false);
  });

  test("a session that ends by its absolute timeout in the middle of a request is not written", async () => {
    let nowMs = Date.now();
    const made = await start({ absoluteTimeout: "1h", now: () => nowMs });
    await made.browser.ask("/visit");
    made.gate = newGate();
    const saved = made.browser.ask("/slow-visit");
    await made.gate.reached;
    nowMs += 60 * 60_000;
    made.gate.open();
    expect((await saved).status).toBe(409);
  });

  test("an outage refuses with 503 where told so, and afterwards all is as it was", async () => {
    const { browser, failures } = await start({ onOutage: "refuse" });
    await browser.ask("/log-in");
    await backend.fail();
    const response = await browser.ask("/");
    expect(response.status).toBe(503);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(failures.map(({ code }) => code)).toEqual(["KV_UNAVAILABLE"]);
    await backend.heal();
    await expect.poll(() => browser.text("/")).toBe('{"visits":0,"user":"ada"}');
  });

  test("an outage goes on without session where told so, and writes and log-outs fail", async () => {
    const { browser } = await start({ onOutage: "anonymous" });
    await browser.ask("/log-in");
    const { cookies } = new Browser("", browser.cookies);
    await backend.fail();
    const page = await browser.ask("/");
    expect(await page.text()).toBe("null");
    expect(page.headers.get("Cache-Control")).toBe("private, no-cache");
    expect(await browser.text("/outage")).toBe("KV_UNAVAILABLE");
    for (const path of ["/visit", "/log-in", "/rotate", "/log-out"]) {
      const response = await browser.ask(path);
      expect([response.status, await response.text()]).toEqual([500, "KV_UNAVAILABLE"]);
    }
    expect(browser.cookies).toEqual(cookies);
    await backend.heal();
    await expect.poll(() => browser.text("/")).toBe('{"visits":0,"user":"ada"}');
    expect(await browser.text("/outage")).toBe("none");
  });

  test("an entry that cannot be read is a session that is over", async () => {
    const { browser, failures } = await start();
    await browser.ask("/log-in");
    await store.set(keyOf(browser.cookies.get(cookieName)), "no session");
    expect(await browser.text("/")).toBe("null");
    expect(failures.map(({ code }) => code)).toEqual(["KV_INVALID_VALUE"]);
    expect(await browser.text("/visit")).toBe('{"visits":1}');
  });
});

describe.each(sharedBackends)("sessions that several processes share on $name", ({ open }) => {
  test("a log-out there is not undone by a save here, and no save of many is lost", async () => {
    await using backend = await open();
    await using elsewhere = openElsewhere(backend.place);
    const [here, there] = [sessionApp(backend.store), sessionApp(elsewhere)];
    await using servedHere = await served(here.app);
    await using servedThere = await served(there.app);
    const browser = new Browser(servedHere.url);
    await browser.ask("/visit");
    const urls = [servedHere.url, servedThere.url];
    const twins = Array.from({ length: 20 }, (_, at) => new Browser(urls[at % 2] ?? "", browser.cookies));
    await Promise.all(twins.map((twin) => twin.ask("/visit")));
    expect(await browser.text("/")).toBe('{"visits":21}');

    here.gate = newGate();
    const saved = new Browser(servedHere.url, browser.cookies).ask("/slow-visit");
    await here.gate.reached;
    await new Browser(servedThere.url, browser.cookies).ask("/log-out");
    here.gate.open();
    expect((await saved).status).toBe(409);
    expect(await keysOf(elsewhere)).toEqual([]);
  });
});

async function leftOf(store: Store, key: string): Promise<number> {
  return (await store.expiresIn(key)) ?? 0;
}
