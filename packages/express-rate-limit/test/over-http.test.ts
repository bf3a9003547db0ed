import { sharedBackends, startWorker, testBackends } from "@kv/test-backends";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { rateLimitStore } from "../src/index.ts";
import { frameworks, type LimitedApp, onExpress } from "./frameworks.ts";
import { served } from "./serve.ts";

/** What was not sent, or was sent and not answered. */
const outage: unknown = expect.stringMatching(/^KV_(UNAVAILABLE|OUTCOME_UNKNOWN)$/);

/** What a client reads. */
async function answerOf(url: string, client = "somebody"): Promise<unknown[]> {
  const response = await fetch(url, { headers: { Client: client } });
  await response.arrayBuffer();
  return [response.status, response.headers.get("RateLimit"), response.headers.get("Retry-After")];
}

async function statusesOf(urls: readonly string[]): Promise<{ passed: number; refused: number }> {
  const statuses = await Promise.all(urls.map(async (url) => (await answerOf(url))[0]));
  return {
    passed: statuses.filter((status) => status === 200).length,
    refused: statuses.filter((status) => status === 429).length,
  };
}

describe.each(testBackends)("on $name", ({ open }) => {
  let backend: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    backend = await open();
  });
  afterAll(() => backend.stop());

  describe.each(frameworks)("with $framework", ({ serve }) => {
    async function start(options: Omit<LimitedApp, "store">) {
      const namespace = crypto.randomUUID();
      const store = rateLimitStore(backend.store, { namespace });
      const server = await serve({ store, ...options });
      const counts = backend.store
        .withNamespace(namespace)
        .withNamespace(`${options.windowMs ?? 3_600_000}ms`);
      return { ...server, store, counts };
    }

    test("lets exactly so many of each client pass, and says what is left and when the window ends", async () => {
      await using limited = await start({ limit: 2 });
      const [limitOf, soon] = [
        (remaining: number) =>
          expect.stringMatching(new RegExp(`^limit=2, remaining=${remaining}, reset=(3600|3[45]\\d\\d)$`)),
        expect.stringMatching(/^(3600|3[45]\d\d)$/),
      ];
      expect(await answerOf(limited.url)).toEqual([200, limitOf(1), null]);
      expect(await answerOf(limited.url)).toEqual([200, limitOf(0), null]);
      expect(await answerOf(limited.url)).toEqual([429, limitOf(0), soon]);
      expect(await answerOf(limited.url, "another")).toEqual([200, limitOf(1), null]);
    });

    test("of many at once exactly so many pass", async () => {
      await using limited = await start({ limit: 5 });
      expect(await statusesOf(Array<string>(60).fill(limited.url))).toEqual({ passed: 5, refused: 55 });
    });

    test("requests do not move the end of the window, refused ones neither, and a new one begins after it", async () => {
      await using limited = await start({ limit: 1 });
      await answerOf(limited.url);
      await limited.counts.touch("somebody", "30m"); // as if half of it were over
      const [status, , retryAfter] = await answerOf(limited.url);
      expect([status, Number(retryAfter) <= 1800]).toEqual([429, true]);
      expect(await limited.counts.expiresIn("somebody")).toBeLessThanOrEqual(1800);
      await limited.counts.touch("somebody", "1ms");
      await expect.poll(() => limited.counts.exists("somebody")).toBe(false);
      expect((await answerOf(limited.url))[0]).toBe(200);
      expect(await limited.counts.expiresIn("somebody")).toBeGreaterThan(3500);
    });

    test("skipFailedRequests gives back exactly what failed, and the window ends when it did", async () => {
      await using limited = await start({ limit: 100, skipFailedRequests: true });
      const paths = Array.from({ length: 40 }, (_, at) => `${limited.url}/${at % 2 === 0 ? "" : "fails"}`);
      await Promise.all(paths.map((url) => answerOf(url)));
      await expect.poll(async () => (await limited.store.get("somebody"))?.totalHits).toBe(20);
      const left = await limited.counts.expiresIn("somebody");
      expect([Number(left) > 3500, Number(left) <= 3600]).toEqual([true, true]);
    });

    test("what failed in a window that is over is taken from no count, and leaves none behind", async () => {
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => {
        end = resolve;
      });
      let begun = 0;
      await using limited = await start({
        limit: 5,
        skipFailedRequests: true,
        hold: () => {
          begun += 1;
          return ended.then(() => Promise.reject(Object.assign(new Error("late"), { code: "late" })));
        },
      });
      const slow = answerOf(limited.url);
      await expect.poll(() => begun).toBe(1);
      await limited.counts.touch("somebody", "1ms");
      await expect.poll(() => limited.counts.exists("somebody")).toBe(false);
      const decrement = vi.spyOn(limited.store, "decrement");
      end();
      expect((await slow)[0]).toBe(503);
      await expect.poll(() => decrement.mock.results.length).toBe(1);
      await decrement.mock.results[0]?.value;
      expect(await limited.counts.exists("somebody")).toBe(false);
    });

    test("an outage is an error, never 429, and the count goes on from where it was", async () => {
      await using limited = await start({ limit: 1 });
      await answerOf(limited.url);
      await backend.fail();
      for (let time = 0; time < 3; time += 1) {
        const response = await fetch(limited.url);
        expect([response.status, await response.text()]).toEqual([503, outage]);
      }
      await backend.heal();
      await expect.poll(async () => (await answerOf(limited.url))[0]).toBe(429);
    });
  });

  test("passOnStoreError of express-rate-limit lets requests pass uncounted in an outage, and tells its logger", async () => {
    const store = rateLimitStore(backend.store, { namespace: crypto.randomUUID() });
    const logger = { error: vi.fn<(error: unknown) => void>(), warn: () => undefined };
    await using server = await served(onExpress({ store, limit: 1 }, { passOnStoreError: true, logger }));
    expect((await answerOf(server.url))[0]).toBe(200);
    await backend.fail();
    for (let time = 0; time < 3; time += 1) expect(await answerOf(server.url)).toEqual([200, null, null]);
    expect(logger.error.mock.calls.map(([error]) => (error as { code: string }).code)).toEqual([
      outage,
      outage,
      outage,
    ]);
    await backend.heal();
    await expect.poll(async () => (await answerOf(server.url))[0]).toBe(429);
  });
});

describe.each(sharedBackends)("in four processes on $name", ({ open }) => {
  test.each(frameworks)(
    "with $framework, of 200 requests at once exactly 5 pass",
    { timeout: 300_000 },
    async ({ framework }) => {
      await using backend = await open();
      const argument = { place: backend.place, framework, limit: 5 };
      const module = new URL("worker.ts", import.meta.url);
      const workers = await Promise.all([1, 2, 3, 4].map(() => startWorker(module, argument)));
      try {
        const urls = workers.map(({ ready }) => (ready as { url: string }).url);
        const asked = Array.from({ length: 200 }, (_, at) => urls[at % urls.length] as string);
        expect(await statusesOf(asked)).toEqual({ passed: 5, refused: 195 });
      } finally {
        await Promise.all(workers.map((worker) => worker.stop()));
      }
    },
  );
});
