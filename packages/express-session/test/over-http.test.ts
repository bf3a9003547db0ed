import { type FullStore, StoreError } from "@kv/core";
import { openElsewhere, sharedBackends, testBackends } from "@kv/test-backends";
import { describe, expect, test, vi } from "vitest";
import { type Browser, browser, type Page } from "./browser.ts";
import { recorded } from "./recorded.ts";
import { type Site, siteKinds } from "./sites.ts";

const outage = { code: expect.stringMatching(/^KV_(UNAVAILABLE|OUTCOME_UNKNOWN)$/) };

const kinds = siteKinds.flatMap((site) => testBackends.map((backend) => ({ ...site, ...backend })));

describe.each(kinds)("$kind on $name", ({ start, cookie, open }) => {
  test("a session lasts from request to request, and is nobody else's", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const ada = browser(site.url);
    expect((await ada.get("/look")).newCookie).toBeUndefined(); // nothing to keep
    expect((await ada.get("/visit")).body).toMatchObject({ visits: 1 });
    expect((await ada.get("/visit")).body).toMatchObject({ visits: 2 });
    expect((await browser(site.url).get("/visit")).body).toMatchObject({ visits: 1 });
    expect(await keysOf(backend.store)).toHaveLength(2);
    expect(site.errors).toEqual([]);
  });

  test("a cookie for millennia makes a session for 1,000 years", async () => {
    await using backend = await open();
    await using site = await start(backend.store, { maxAge: 2_000 * 365.25 * 86_400_000 });
    const ada = browser(site.url);
    expect((await ada.get("/visit")).body).toMatchObject({ visits: 1 });
    expect((await ada.get("/visit")).body).toMatchObject({ visits: 2 });
    const [key = ""] = await keysOf(backend.store);
    expect(((await backend.store.expiresIn(key)) ?? 0) / (365.25 * 86_400)).toBeGreaterThan(999);
    expect(site.errors).toEqual([]);
  });

  test("an unknown id, even well signed, is never adopted", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const planted = "an-id-that-an-attacker-planted-here";
    const [victim, attacker] = [browser(site.url, cookie(planted)), browser(site.url, cookie(planted))];
    const ids = [(await victim.get("/visit")).body["id"], (await attacker.get("/visit")).body["id"]];
    expect(new Set([...ids, planted]).size).toBe(3);
    await victim.post("/login");
    expect((await browser(site.url, cookie(planted)).get("/look")).body["user"]).toBeUndefined();
  });

  test("log-in gives a new id, and the old one is of no use", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const ada = browser(site.url);
    const before = (await ada.get("/visit")).body["id"];
    const old = ada.cookie;
    const after = (await ada.post("/login")).body["id"];
    expect(after).not.toBe(before);
    expect((await ada.get("/look")).body).toMatchObject({ user: "ada", id: after });
    const withOld = await browser(site.url, old).get("/look");
    expect(withOld.body["user"]).toBeUndefined();
    expect(withOld.body["visits"]).toBeUndefined();
    expect(await keysOf(backend.store)).toHaveLength(1);
  });

  test.each(["/slow", "/slow-look"])(
    "log-out while %s is under way is not undone by its save",
    async (path) => {
      await using backend = await open();
      await using site = await start(backend.store, { rolling: true, maxAge: 60_000 });
      const ada = browser(site.url);
      await ada.post("/login");
      const { cookie: stolen } = ada;
      const slow = await inFlight(site, browser(site.url, stolen), path);
      expect((await browser(site.url, stolen).post("/logout")).status).toBe(204);
      slow.goOn();
      expect((await slow.answer).status).toBe(200);
      expect(await keysOf(backend.store)).toEqual([]);
      expect((await browser(site.url, stolen).get("/look")).body["user"]).toBeUndefined();
      expect(site.errors).toEqual([]);
    },
  );

  test("emptying the store logs out those too whose requests are under way", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const ada = browser(site.url);
    await ada.post("/login");
    const slow = await inFlight(site, ada, "/slow");
    await backend.store.deleteAll();
    slow.goOn();
    await slow.answer;
    expect(await keysOf(backend.store)).toEqual([]);
  });

  test("of two saves at a time the last one counts, as a whole", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const ada = browser(site.url);
    await ada.get("/visit");
    const slow = await inFlight(site, ada, "/slow");
    await ada.get("/note?text=meanwhile");
    expect((await ada.get("/look")).body).toMatchObject({ visits: 1, note: "meanwhile" });
    slow.goOn();
    await slow.answer;
    const { body } = await ada.get("/look");
    expect(body["visits"]).toBe(1_000);
    expect(body["note"]).toBeUndefined();
  });

  test("a request that changes nothing undoes no other's change, though the framework saves it", async () => {
    await using backend = await open();
    await using site = await start(backend.store, { rolling: true, maxAge: 60_000 });
    const ada = browser(site.url);
    await ada.get("/visit");
    const slow = await inFlight(site, ada, "/slow-look");
    await ada.get("/note?text=meanwhile");
    slow.goOn();
    await slow.answer;
    expect((await ada.get("/look")).body).toMatchObject({ note: "meanwhile" });
  });

  test.each([
    { maxAge: 3_600_000, life: 3_600 },
    { maxAge: undefined, life: 86_400 },
  ])("a session of maxAge $maxAge lives $life seconds from its last request", async ({ maxAge, life }) => {
    await using backend = await open();
    const { store } = backend;
    await using site = await start(store, { rolling: true, ...(maxAge !== undefined && { maxAge }) });
    const ada = browser(site.url);
    await ada.get("/visit");
    const [key = ""] = await keysOf(store);
    await store.touch(key, 30); // as if time had passed
    await ada.get("/look");
    const left = (await store.expiresIn(key)) ?? 0;
    expect(left).toBeGreaterThan(30);
    expect(left).toBeLessThanOrEqual(life);
  });

  test("a session that has expired is over, and its id is not used again", async () => {
    await using backend = await open();
    await using site = await start(backend.store, { maxAge: 60_000 });
    const ada = browser(site.url);
    const { id } = (await ada.get("/visit")).body;
    const [key = ""] = await keysOf(backend.store);
    await backend.store.touch(key, "1ms");
    await vi.waitFor(async () => expect(await backend.store.exists(key)).toBe(false), 60_000);
    const { body } = await ada.get("/visit");
    expect(body["visits"]).toBe(1);
    expect(body["id"]).not.toBe(id);
  });

  test("a request renews the session without writing it, and reads it once", async () => {
    await using backend = await open();
    const { store, calls } = recorded(backend.store);
    await using site = await start(store, { rolling: true, maxAge: 60_000 });
    const ada = browser(site.url);
    await ada.get("/visit");
    expect(calls.splice(0)).toEqual(["setIfAbsent"]);
    await ada.get("/look");
    expect(calls.splice(0)).toEqual(["get", "touch"]);
    await ada.get("/visit");
    expect(calls.splice(0)).toEqual(["get", "compareAndSet"]);
  });

  test("what browsers send does not stand in the store", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const ada = browser(site.url);
    const id = String((await ada.post("/login")).body["id"]);
    for (const key of await keysOf(backend.store)) {
      const value = new TextDecoder().decode(await backend.store.get(key));
      expect(value).toContain("ada");
      expect(key + value).not.toContain(id);
    }
  });

  test("in an outage requests with a session are refused, with no new cookie, and work again after it", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const ada = browser(site.url);
    await ada.post("/login");
    await backend.fail();
    for (const page of [await ada.get("/look"), await ada.get("/visit"), await ada.post("/logout")]) {
      expect(page).toEqual({ status: 503, body: outage, newCookie: undefined });
    }
    expect((await browser(site.url).get("/look")).status).toBe(200); // no session, no need of a store
    await backend.heal();
    await vi.waitFor(async () => expect((await ada.get("/look")).body["user"]).toBe("ada"), 60_000);
  });

  test("a save in an outage that begins while the request is under way fails and says so", async () => {
    await using backend = await open();
    await using site = await start(backend.store);
    const ada = browser(site.url);
    await ada.post("/login");
    const slow = await inFlight(site, ada, "/slow");
    await backend.fail();
    slow.goOn();
    await slow.answer.catch(() => {}); // express-session has answered by then, and may be cut
    await vi.waitFor(() => expect(site.errors).toEqual([expect.objectContaining(outage)]), 60_000);
    await backend.heal();
    await vi.waitFor(async () => expect((await ada.get("/look")).body["user"]).toBe("ada"), 60_000);
    expect((await ada.get("/look")).body["visits"]).toBeUndefined(); // not saved
  });

  test("a log-out that fails after the session was read says so, and the session is still there", async () => {
    await using backend = await open();
    let isDown = false;
    const store = new Proxy(backend.store, {
      get(target, name, receiver): unknown {
        if (name !== "delete" || !isDown) return Reflect.get(target, name, receiver);
        return async () => {
          throw new StoreError("KV_UNAVAILABLE", "delete: the store was told to be down.");
        };
      },
    });
    await using site = await start(store);
    const ada = browser(site.url);
    await ada.post("/login");
    isDown = true;
    expect(await ada.post("/logout")).toMatchObject({ status: 503, body: outage });
    isDown = false;
    expect((await ada.get("/look")).body["user"]).toBe("ada");
    expect((await ada.post("/logout")).status).toBe(204);
    expect(await keysOf(backend.store)).toEqual([]);
  });

  test("where outages are to make anonymous, requests pass without session, and the application hears of it", async () => {
    await using backend = await open();
    const told: unknown[] = [];
    await using site = await start(backend.store, {
      onOutage: "anonymous",
      onStoreError: (error) => void told.push(error),
    });
    const ada = browser(site.url);
    await ada.post("/login");
    await backend.fail();
    const page = await ada.get("/look");
    expect(page.status).toBe(200);
    expect(page.body["user"]).toBeUndefined();
    expect(told).toEqual([expect.objectContaining(outage)]);
    await backend.heal();
  });
});

const shared = siteKinds.flatMap((site) => sharedBackends.map((backend) => ({ ...site, ...backend })));

describe.each(shared)("$kind on $name, several processes", ({ start, open }) => {
  test("log-out in one is not undone by a save in another", async () => {
    await using backend = await open();
    await using elsewhere = openElsewhere(backend.place);
    await using here = await start(backend.store);
    await using there = await start(elsewhere);
    const ada = browser(here.url);
    await ada.post("/login");
    expect((await browser(there.url, ada.cookie).get("/look")).body["user"]).toBe("ada");
    const slow = await inFlight(there, browser(there.url, ada.cookie), "/slow");
    await browser(here.url, ada.cookie).post("/logout");
    slow.goOn();
    expect((await slow.answer).status).toBe(200);
    expect(await keysOf(backend.store)).toEqual([]);
  });
});

interface UnderWay {
  readonly answer: Promise<Page>;
  goOn(): void;
}

/** A request whose session has been read, and whose handler waits until it is told to go on. */
async function inFlight(site: Site, visitor: Browser, path: string): Promise<UnderWay> {
  const { reached, release } = site.hold();
  const answer = visitor.get(path);
  await reached;
  return { answer, goOn: release };
}

async function keysOf(store: FullStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys;
}
