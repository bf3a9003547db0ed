import { type Codec, type FullStore, type StoreError, StoreRegistry, text } from "@kv/core";
import { memoryStore } from "@kv/memory";
import { openElsewhere, sharedBackends, testBackends } from "@kv/test-backends";
import expressSession, { type SessionData } from "express-session";
import { afterEach, describe, expect, test, vi } from "vitest";
import { sessionStore as fastifySessionStore } from "../src/fastify.ts";
import { type SessionStoreOptions, type StoredSession, sessionStore } from "../src/index.ts";
import { done, type PromisedStore, promised } from "./promised.ts";

const hourMs = 3_600_000;

afterEach(() => {
  vi.useRealTimers();
});

describe("callbacks", () => {
  test("come once, after the call returned, with the error or null first", async () => {
    await using store = memoryStore();
    const sessions = sessionStore(store, { onOutage: "refuse" });
    const events: unknown[] = [];
    sessions.set("a", session(), (...args) => void events.push(args));
    events.push("returned");
    await vi.waitFor(() => expect(events).toHaveLength(2), 60_000);
    expect(events).toEqual(["returned", [null, undefined]]);
    await store.close();
    sessions.get("a", (...args) => void events.push(args));
    await vi.waitFor(() => expect(events).toHaveLength(3), 60_000);
    expect(events[2]).toEqual([expect.objectContaining({ code: "KV_CLOSED" })]);
  });

  test("that throw are not called again, and become a process warning", async () => {
    await using store = memoryStore();
    const sessions = sessionStore(store, { onOutage: "refuse" });
    const warned = new Promise((resolve) => {
      process.once("warning", resolve);
    });
    const callback = vi.fn(() => {
      throw new Error("the callback's own");
    });
    sessions.destroy("a", callback);
    expect(await warned).toMatchObject({
      code: "KV_BACKGROUND",
      message: expect.stringContaining("the callback's own"),
    });
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test("that are missing leave a failure to onStoreError, which becomes a process warning where that throws", async () => {
    const store = memoryStore();
    const onStoreError = (): never => {
      throw new Error("the listener's own");
    };
    const sessions = sessionStore(store, { onOutage: "refuse", onStoreError });
    const warned = new Promise((resolve) => {
      process.once("warning", resolve);
    });
    await store.close();
    sessions.destroy("a");
    expect(await warned).toMatchObject({
      code: "KV_BACKGROUND",
      message: expect.stringContaining("the listener's own"),
    });
  });

  test("do not keep a failure from onStoreError, which is told once of each", async () => {
    const store = memoryStore();
    const told: unknown[] = [];
    const onStoreError = (error: StoreError) => void told.push(error);
    const sessions = promised(sessionStore(store, { onOutage: "refuse", onStoreError }));
    await store.close();
    const calls = [
      () => sessions.get("a"),
      () => sessions.set("a", session()),
      () => sessions.touch("a", session()),
      () => sessions.destroy("a"),
      () => sessions.clear(),
      () => sessions.length(),
      () => sessions.ids(),
      () => sessions.all(),
    ];
    const failures: unknown[] = [];
    for (const call of calls) await call().catch((error: unknown) => failures.push(error));
    expect(failures).toEqual(calls.map(() => expect.objectContaining({ code: "KV_CLOSED" })));
    expect(told).toEqual(failures);
  });

  test("that are missing leave a failure to onStoreError", async () => {
    const store = memoryStore();
    const told: unknown[] = [];
    const sessions = sessionStore(store, {
      onOutage: "refuse",
      onStoreError: (error) => void told.push(error),
    });
    await store.close();
    sessions.destroy("a");
    sessions.set("a", session());
    sessions.touch("a", session());
    sessions.clear();
    await vi.waitFor(() => expect(told).toHaveLength(4), 60_000);
    expect(told).toEqual(Array.from({ length: 4 }, () => expect.objectContaining({ code: "KV_CLOSED" })));
  });
});

describe.each(testBackends)("on $name", ({ open }) => {
  test("ids are hashed: ids and all give the hashes, by which a session can be destroyed", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    for (const id of ["a", "b", "c"]) await sessions.set(id, session({ n: id.charCodeAt(0) }));
    const hashes = ["a", "b", "c"].map((id) => sessions.store.storedId(id));
    expect(hashes[0]).toBe("ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs"); // SHA-256 of "a"
    expect((await sessions.ids()).toSorted()).toEqual(hashes.toSorted());
    expect(await sessions.length()).toBe(3);
    const all = await sessions.all();
    expect(all.map(({ n, id }) => ({ n, id }))).toEqual(
      expect.arrayContaining([
        { n: 97, id: hashes[0] },
        { n: 98, id: hashes[1] },
        { n: 99, id: hashes[2] },
      ]),
    );
    expect(all).toHaveLength(3);
    await sessions.destroy(hashes[0] ?? ""); // no browser can have it, and nothing has
    expect(await sessions.length()).toBe(3);
    await sessions.destroyStored(hashes[0] ?? "");
    expect(await sessions.get("a")).toBeUndefined();
    expect(await sessions.get("b")).toMatchObject({ n: 98 });
    await sessions.clear();
    expect([await sessions.length(), await sessions.ids(), await sessions.all()]).toEqual([0, [], []]);
  });

  test("with hashIds: false ids stand in the store as they are", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", hashIds: false }));
    await sessions.set("a", session());
    expect(await sessions.ids()).toEqual(["a"]);
    expect(await backend.store.exists("a")).toBe(true);
    await sessions.destroyStored("a");
    expect(await sessions.get("a")).toBeUndefined();
  });

  test("a session that nobody loaded replaces the one that is there", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    await sessions.set("a", session({ n: 1 }));
    await sessions.set("a", session({ n: 2 }));
    expect(await sessions.get("a")).toMatchObject({ n: 2 });
  });

  test("a session that was loaded is not saved once it was destroyed, time and again", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    await sessions.set("a", session({ n: 1 }));
    const loaded = await load(sessions, "a");
    await sessions.destroy("a");
    for (const n of [2, 3]) {
      loaded.n = n;
      await sessions.set("a", loaded);
      await sessions.touch("a", loaded);
    }
    expect(await sessions.ids()).toEqual([]);
  });

  test("nor is one that this process made", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    const made = session({ n: 1 });
    await sessions.set("a", made);
    await sessions.destroy("a");
    made.n = 2;
    await sessions.set("a", made);
    expect(await sessions.ids()).toEqual([]);
  });

  test("the data of a session, copied into a new one, is saved under the new id", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    await sessions.set("a", session({ n: 1 }));
    const loaded = await sessions.get("a");
    await sessions.destroy("a");
    await sessions.set("b", { ...session(), ...loaded });
    expect(await sessions.get("b")).toMatchObject({ n: 1 });
    expect(await sessions.get("a")).toBeUndefined();
  });

  test("absoluteTimeout ends a session, however often it is renewed and saved", async () => {
    await using backend = await open();
    const { store } = backend;
    const beganAtMs = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(beganAtMs);
    const sessions = promised(sessionStore(store, { onOutage: "refuse", absoluteTimeout: "1h" }));
    await sessions.set("a", session({ n: 1 }));
    const key = sessions.store.storedId("a");
    vi.setSystemTime(beganAtMs + 0.75 * hourMs);
    const loaded = await load(sessions, "a");
    await sessions.touch("a", loaded);
    expect(await store.expiresIn(key)).toBeLessThanOrEqual(0.25 * 3_600 + 1);
    await sessions.touch("a", session()); // of nobody knows which request
    expect(await store.expiresIn(key)).toBeLessThanOrEqual(0.25 * 3_600 + 1);
    loaded.n = 2;
    await sessions.set("a", loaded);
    await sessions.set("a", session({ n: 3 }));
    expect(await store.expiresIn(key)).toBeLessThanOrEqual(0.25 * 3_600 + 1);
    expect(await store.expiresIn(key)).toBeGreaterThan(60);
    expect(await sessions.get("a")).toMatchObject({ n: 3 });
    vi.setSystemTime(beganAtMs + hourMs + 1_000);
    expect(await sessions.get("a")).toBeUndefined();
    expect(await store.exists(key)).toBe(false);
    await sessions.set("a", loaded);
    expect(await store.exists(key)).toBe(false);
  });

  test("the cookie of a loaded session lasts from this request on, however long ago it was written", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    const made = session();
    made.cookie.maxAge = hourMs;
    await sessions.set("a", made);
    await backend.store.touch(sessions.store.storedId("a"), "1d"); // as renewals without a write do
    const later = Date.now() + 10 * hourMs;
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(later);
    const loaded = await load(sessions, "a");
    expect(loaded.cookie.expires).toEqual(new Date(later + hourMs));
    expect(loaded.cookie.originalMaxAge).toBe(hourMs);
  });

  test("a cookie that is over ends the session, and one of the year 9999 lasts", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    const fixed = (expires: Date) =>
      ({ ...session(), cookie: { originalMaxAge: null, expires } }) as SessionData;
    await sessions.set("a", fixed(new Date("9999-12-31")));
    expect(await backend.store.expiresIn(sessions.store.storedId("a"))).toBeGreaterThan(10 * 365 * 86_400);
    const loaded = await load(sessions, "a");
    expect(loaded.cookie.expires).toEqual(new Date("9999-12-31"));
    loaded.cookie.expires = new Date(0);
    await sessions.set("a", loaded);
    await sessions.set("b", fixed(new Date(0)));
    expect(await sessions.ids()).toEqual([]);
  });

  test("a cookie that ends millennia from now is kept for 1,000 years", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    const made = session();
    made.cookie.maxAge = 1e15;
    await sessions.set("a", made);
    const last = { originalMaxAge: null, expires: new Date(8.64e15) };
    await sessions.set("b", { ...session(), cookie: last });
    await sessions.set("a", Object.assign(await load(sessions, "a"), { n: 1 }));
    await sessions.touch("b", await load(sessions, "b"));
    for (const id of ["a", "b"]) {
      const years = ((await backend.store.expiresIn(sessions.store.storedId(id))) ?? 0) / (365.25 * 86_400);
      expect(years).toBeGreaterThan(999);
      expect(years).toBeLessThanOrEqual(1_000);
    }
  });

  test("idleTimeout is how long a session lives whose cookie ends with the browser", async () => {
    await using backend = await open();
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", idleTimeout: "20m" }));
    await sessions.set("a", session());
    const left = (await backend.store.expiresIn(sessions.store.storedId("a"))) ?? 0;
    expect(left).toBeGreaterThan(1_100);
    expect(left).toBeLessThanOrEqual(1_200);
  });

  test("a stored session that cannot be read is over, and said to be", async () => {
    await using backend = await open();
    const told: unknown[] = [];
    const onStoreError = (error: StoreError) => void told.push(error.code);
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", onStoreError }));
    await sessions.set("good", session({ n: 1 }));
    for (const [at, broken] of [
      "no json",
      "7",
      "null",
      '{"createdAt":1}',
      '{"session":{"cookie":{}}}',
    ].entries()) {
      await backend.store.set(sessions.store.storedId(String(at)), broken);
      expect(await sessions.get(String(at)), broken).toBeUndefined();
    }
    expect(told.splice(0)).toEqual(Array(5).fill("KV_INVALID_VALUE"));
    expect(await sessions.all()).toEqual([expect.objectContaining({ n: 1 })]);
    expect(told).toEqual(Array(5).fill("KV_INVALID_VALUE"));
  });

  test("a codec of one's own writes and reads all of it", async () => {
    await using backend = await open();
    const codec: Codec<StoredSession> = {
      encode: async (value) => btoa(JSON.stringify(value)),
      decode: async (bytes) => JSON.parse(atob(await text.decode(bytes))) as StoredSession,
    };
    const sessions = promised(sessionStore(backend.store, { onOutage: "refuse", codec }));
    await sessions.set("a", session({ n: 1 }));
    expect(await text.decode((await backend.store.get(sessions.store.storedId("a"))) as never)).toMatch(
      /^[\w+/=]+$/,
    );
    const loaded = await load(sessions, "a");
    loaded.n = 2;
    await sessions.set("a", loaded);
    expect(await sessions.get("a")).toMatchObject({ n: 2 });
  });
});

describe.each(sharedBackends)("on $name", ({ open }) => {
  test("whatever saves and renewals race with a destroy, the session is gone after all of them", {
    timeout: 300_000,
  }, async () => {
    await using backend = await open();
    await using elsewhere = openElsewhere(backend.place);
    const here = promised(sessionStore(backend.store, { onOutage: "refuse" }));
    const there = promised(sessionStore(elsewhere, { onOutage: "refuse" }));
    for (let round = 0; round < 40; round += 1) {
      const id = `round ${round}`;
      await here.set(id, session({ n: 0 }));
      const loaded = await Promise.all(
        [here, there, here, there].map(async (of) => ({ of, it: await load(of, id) })),
      );
      const work = loaded.map(async ({ of, it }, at) => {
        for (const n of [1, 2, 3]) {
          it.n = n * 10 + at;
          await of.set(id, it);
          await of.touch(id, it);
        }
      });
      if (round % 4 === 0) await Promise.race(work);
      await (round % 2 === 0 ? here : there).destroy(id);
      await Promise.all(work);
      expect(await here.ids(), id).toEqual([]);
    }
  });
});

describe("a store for sessions", () => {
  const refuse = { onOutage: "refuse" } as const;

  test.each([sessionStore, fastifySessionStore])(
    "is found by its name, or by the one that is told",
    async (make) => {
      const [first, second] = [memoryStore(), memoryStore()];
      const stores = new StoreRegistry<FullStore>({ stores: { sessions: first, logins: second } });
      await done((callback) => make(stores, refuse).set("a", session() as never, callback));
      await done((callback) =>
        make(stores, { ...refuse, name: "logins" }).set("b", session() as never, callback),
      );
      for (const [store, id] of [
        [first, "a"],
        [second, "b"],
      ] as const) {
        const keys: string[] = [];
        for await (const key of store.keys()) keys.push(key);
        expect(keys).toEqual([sessionStore(store, refuse).storedId(id)]);
      }
      await stores.close();
    },
  );

  test.each([sessionStore, fastifySessionStore])(
    "that cannot do what is needed is refused at start-up",
    (make) => {
      const { increment: _, keys: __, ...plain } = memoryStore();
      expect(() => make(plain as never, refuse)).toThrow(
        /^A session store needs a store that has .*compareAndSet.*keys/,
      );
      expect(() => make(undefined as never, refuse)).toThrow(TypeError);
      expect(() => make(new StoreRegistry<FullStore>(), refuse)).toThrow(
        expect.objectContaining({ code: "KV_UNKNOWN_STORE" }),
      );
    },
  );

  test.each<[string, unknown, RegExp]>([
    ["no options", undefined, /Options must be an object/],
    ["no choice for outages", {}, /^onOutage must be "refuse" or "anonymous"/],
    ["a misspelt choice", { onOutage: "ignore" }, /^onOutage must be/],
    ["a misspelt option", { ...refuse, ttl: 60 }, /no option "ttl".* idleTimeout/],
    ["a duration without unit", { ...refuse, idleTimeout: "60" }, /^idleTimeout must be/],
    ["a duration of 0", { ...refuse, absoluteTimeout: 0 }, /^absoluteTimeout must be/],
    ["hashIds that is no boolean", { ...refuse, hashIds: "no" }, /^hashIds must be/],
  ])("is not made with %s", (_, options, message) => {
    expect(() => sessionStore(memoryStore(), options as SessionStoreOptions)).toThrow(message);
  });

  test("is one in express-session's sense", () => {
    expect(sessionStore(memoryStore(), refuse)).toBeInstanceOf(expressSession.Store);
  });
});

function session(data: { n?: number } = {}): SessionData {
  return { cookie: new expressSession.Cookie(), ...data };
}

/** As a request has it: what `get` gives, made a session by express-session. */
async function load(sessions: PromisedStore, id: string): Promise<SessionData> {
  const loaded = await sessions.get(id);
  if (loaded === undefined) throw new Error(`${id} is not there`);
  return sessions.store.createSession({ sessionID: id } as never, loaded);
}

test("E2 a session that the codec refuses is KV_INVALID_VALUE, which says where; JSON takes a Date as its text", async () => {
  await using store = memoryStore();
  const at = store.withNamespace("sessions");
  const told: StoreError[] = [];
  const onStoreError = (error: StoreError): void => void told.push(error);
  const refusing: Codec<StoredSession> = {
    encode: () => {
      throw new Error("no");
    },
    decode: () => {
      throw new Error("no");
    },
  };
  const sessions = promised(sessionStore(at, { onOutage: "refuse", codec: refusing, onStoreError }));
  await expect(sessions.set("a", session())).rejects.toMatchObject({
    code: "KV_INVALID_VALUE",
    message: expect.stringMatching(/^save on memory, namespace "sessions": .*Nothing was written/),
  });
  const lenient = promised(sessionStore(at, { onOutage: "refuse", onStoreError }));
  const since = new Date(0);
  await lenient.set("a", { ...session(), since } as SessionData);
  expect(await lenient.get("a")).toMatchObject({ since: since.toJSON() });
  expect(await sessions.get("a")).toBeUndefined();
  expect(told.at(-1)?.message).toMatch(/^load on memory, namespace "sessions": /);
});
