import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { FullStore } from "@kv/core";
import { type OpenBackend, testBackends } from "@kv/test-backends";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import { got } from "got";
import { Keyv } from "keyv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyvStore } from "../src/index.ts";

// Libraries that take a Keyv, as they are.

interface Site extends AsyncDisposable {
  readonly url: string;
  asked(): number;
}

/** A page that may be cached, and says how often it was asked for. */
async function servePage(headers: Readonly<Record<string, string>>): Promise<Site> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    const unchanged = request.headers["if-none-match"] === '"v1"';
    response.writeHead(unchanged ? 304 : 200, { ETag: '"v1"', ...headers });
    response.end(unchanged ? "" : Buffer.from([0, 255, 128, 10]));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/page`,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

describe.each(testBackends)("on $name", ({ open }) => {
  let backend: OpenBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.stop());

  const newStore = () => backend.store.withNamespace(crypto.randomUUID());

  describe("got", () => {
    test("answers from the store, the same bytes, another client of it too", async () => {
      await using site = await servePage({ "Cache-Control": "max-age=600" });
      const store = newStore();
      const bodies: unknown[] = [];
      for (const cache of [keyvStore(store), keyvStore(store)]) {
        const client = got.extend({ cache });
        for (let time = 0; time < 2; time += 1) {
          const response = await client(site.url, { responseType: "buffer" });
          bodies.push([[...response.body], response.isFromCache]);
          // The page is stored beside the answer, not before it.
          if (bodies.length === 1) await expect.poll(() => held(store)).toBe(1);
        }
      }
      const body = [0, 255, 128, 10];
      expect(bodies).toEqual([
        [body, false],
        [body, true],
        [body, true],
        [body, true],
      ]);
      expect(site.asked()).toBe(1);
    });

    test("asks again with the ETag from the store", async () => {
      await using site = await servePage({ "Cache-Control": "no-cache" });
      const store = newStore();
      const client = got.extend({ cache: new Keyv({ store: keyvStore(store) }), responseType: "buffer" });
      await client(site.url);
      await expect.poll(() => held(store)).toBe(1);
      const { statusCode, body } = await client(site.url);
      expect([statusCode, [...body], site.asked()]).toEqual([200, [0, 255, 128, 10], 2]);
    });

    test("an outage is a CacheError, or with emitErrors false a request that is made", async () => {
      await using site = await servePage({ "Cache-Control": "max-age=600" });
      const retry = { limit: 0 };
      await backend.fail();
      try {
        const strict = got.extend({ cache: new Keyv({ store: keyvStore(newStore()) }), retry });
        await expect(strict(site.url)).rejects.toMatchObject({ name: "CacheError" });
        const lenient = got.extend({
          cache: new Keyv({ store: keyvStore(newStore()), emitErrors: false }),
          retry,
        });
        expect((await lenient(site.url)).statusCode).toBe(200);
      } finally {
        await backend.heal();
      }
    });
  });

  describe("cacheable", () => {
    test("keeps its second layer in the store, for other processes to find", async () => {
      const store = newStore();
      const [one, other] = [
        new Cacheable({ secondary: keyvStore(store), namespace: "n" }),
        new Cacheable({ secondary: new Keyv({ store: keyvStore(store) }), namespace: "n" }),
      ];
      await one.set("k", { some: "value" }, "1h");
      expect(await other.get("k")).toEqual({ some: "value" });
      await other.setMany([
        { key: "a", value: 1 },
        { key: "b", value: 2, ttl: 60_000 },
      ]);
      const third = new Cacheable({ secondary: keyvStore(store), namespace: "n" });
      expect(await third.getMany(["a", "b", "c"])).toEqual([1, 2, undefined]);
      await third.delete("a");
      await third.deleteMany(["b"]);
      const fourth = new Cacheable({ secondary: keyvStore(store), namespace: "n" });
      expect(await fourth.getMany(["a", "b", "k"])).toEqual([undefined, undefined, { some: "value" }]);
      await fourth.clear();
      expect(await held(store)).toBe(0);
    });

    test("computes once what both have to wrap", async () => {
      const store = newStore();
      let computed = 0;
      for (let time = 0; time < 3; time += 1) {
        const cache = new Cacheable({ secondary: keyvStore(store) });
        const square = cache.wrap(
          async (side: number) => {
            computed += 1;
            return side * side;
          },
          { ttl: "1h", keyPrefix: "square" },
        );
        expect(await square(7)).toBe(49);
      }
      expect(computed).toBe(1);
    });

    test("tells of an outage by its error event", async () => {
      const cache = new Cacheable({ secondary: keyvStore(newStore()) });
      const codes: string[] = [];
      cache.on("error", (error: { code: string }) => codes.push(error.code));
      await backend.fail();
      await cache.get("k").catch(() => undefined);
      await backend.heal();
      expect(new Set(codes)).toEqual(new Set(["KV_UNAVAILABLE"]));
    });
  });

  describe("cache-manager", () => {
    test("sets, gets, wraps and clears in the store", async () => {
      const store = newStore();
      const newCache = () => createCache({ stores: [new Keyv({ store: keyvStore(store) })] });
      const [one, other] = [newCache(), newCache()];
      const beganMs = Date.now();
      await one.set("k", { some: "value" }, 3_600_000);
      expect(await other.get("k")).toEqual({ some: "value" });
      const endMs = (await other.ttl("k")) ?? 0;
      expect(endMs).toBeGreaterThanOrEqual(beganMs + 3_600_000 - 5);
      expect(endMs).toBeLessThanOrEqual(Date.now() + 3_600_000 + 5);
      await one.mset([
        { key: "a", value: 1 },
        { key: "b", value: 2, ttl: 60_000 },
      ]);
      expect(await other.mget(["a", "b", "c"])).toEqual([1, 2, undefined]);
      let computed = 0;
      for (const cache of [one, other]) {
        expect(await cache.wrap("w", () => (computed += 1), 60_000)).toBe(1);
      }
      await other.del("k");
      await other.mdel(["a"]);
      expect(await one.mget(["k", "a", "b"])).toEqual([undefined, undefined, 2]);
      await one.clear();
      expect(await held(store)).toBe(0);
      await one.disconnect();
    });

    test("rejects a write in an outage with throwOnErrors, and takes a read for a miss", async () => {
      const keyv = new Keyv({ store: keyvStore(newStore()), throwOnErrors: true });
      const cache = createCache({ stores: [keyv] });
      const told: unknown[] = [];
      cache.on("get", ({ error }) => told.push((error as { code?: string } | undefined)?.code));
      await backend.fail();
      try {
        await expect(cache.set("k", 1)).rejects.toMatchObject({
          code: expect.stringMatching(/^KV_(UNAVAILABLE|OUTCOME_UNKNOWN)$/),
        });
        expect(await cache.get("k")).toBeUndefined();
        expect(told).toEqual(["KV_UNAVAILABLE"]);
      } finally {
        await backend.heal();
      }
    });
  });
});

/** How many entries a store has in the namespaces below it. */
async function held(store: FullStore): Promise<number> {
  let count = 0;
  for await (const name of store.namespaces()) {
    for await (const _ of store.withNamespace(name).keys()) count += 1;
  }
  return count;
}
