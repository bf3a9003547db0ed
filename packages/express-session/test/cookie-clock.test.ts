import { memoryStore } from "@kv/memory";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type StoredSession, sessionStore } from "../src/index.ts";
import { type Browser, browser } from "./browser.ts";
import { recorded } from "./recorded.ts";
import { type Site, type SiteOptions, startExpress } from "./sites.ts";

// express-session reads the clock twice where it renews a cookie. Here each reading is a millisecond later.
beforeEach(() => {
  let nowMs = Date.now();
  vi.spyOn(Date, "now").mockImplementation(() => {
    nowMs += 1;
    return nowMs;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const maxAge = 60_000;

interface Started extends AsyncDisposable {
  readonly site: Site;
  /** Somebody whose session is in the store. */
  readonly ada: Browser;
  readonly calls: string[];
  maxAgeInStore(): Promise<number>;
}

async function start(options: SiteOptions): Promise<Started> {
  const { store, calls } = recorded(memoryStore());
  const site = await startExpress(store, { maxAge, ...options });
  const ada = browser(site.url);
  const { id } = (await ada.get("/visit")).body;
  const key = sessionStore(store, { onOutage: "refuse" }).storedId(String(id));
  return {
    site,
    ada,
    calls,
    async maxAgeInStore() {
      const stored = JSON.parse(new TextDecoder().decode(await store.get(key))) as StoredSession;
      return stored.session.cookie.originalMaxAge ?? 0;
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

describe.each([
  { rolling: false, resave: true },
  { rolling: true, resave: true },
  { rolling: true, resave: false },
  { rolling: false, resave: false },
])("with rolling: $rolling and resave: $resave, however the clock moves", (options) => {
  test("a request that changes nothing undoes no other's change, and only renews", async () => {
    await using started = await start(options);
    const { ada, calls } = started;
    const { reached, release } = started.site.hold();
    const slow = ada.get("/slow-look");
    await reached;
    await ada.get("/note?text=meanwhile");
    calls.splice(0);
    release();
    await slow;
    expect(calls).toEqual(["touch"]);
    expect((await ada.get("/look")).body).toMatchObject({ note: "meanwhile" });
  });

  test("the maxAge of a cookie stays as it is, however often the session is saved", async () => {
    await using started = await start(options);
    const before = await started.maxAgeInStore();
    for (let visit = 0; visit < 10; visit += 1) await started.ada.get("/visit");
    expect(await started.maxAgeInStore()).toBe(before);
  });
});

describe.each([true, false])("where unchanged sessions are saved, with rolling: %s", (rolling) => {
  const options = { rolling, resave: true };

  test("a maxAge that the application sets is saved as it is, be it another by a millisecond", async () => {
    await using started = await start(options);
    const { ada, calls } = started;
    for (const ms of [maxAge, maxAge + 1, maxAge, 3_600_000]) {
      await ada.get(`/max-age?ms=${ms}`);
      expect(await started.maxAgeInStore()).toBe(ms);
    }
    calls.splice(0);
    await ada.get("/max-age?ms=3600000");
    expect(calls).toEqual(["get", "touch"]);
  });

  test("an expiry that the application sets is saved", async () => {
    await using started = await start(options);
    const at = Date.now() + 7_200_000;
    await started.ada.get(`/expires?at=${new Date(at).toISOString()}`);
    const left = await started.maxAgeInStore();
    expect([left > 7_190_000, left <= 7_200_000]).toEqual([true, true]);
  });
});
