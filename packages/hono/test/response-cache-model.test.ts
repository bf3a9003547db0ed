import { memoryStore } from "@kv/memory";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cacheApp } from "./cache-app.ts";

// Random traffic, several requests at a time, against everything that a cache must never do. Each answer of the
// handler has a number of its own, by which it is known who got it.

const controls = [
  "max-age=3",
  "s-maxage=5, max-age=0",
  "max-age=2, stale-while-revalidate=3",
  "max-age=2, stale-if-error=4",
  "no-store",
  "private, max-age=9",
  "",
] as const;

const answer = fc.record({
  control: fc.constantFrom(...controls),
  vary: fc.constantFrom("", "X-A", "X-B", "X-A, X-B", "*"),
  setsCookie: fc.boolean(),
  hasTag: fc.boolean(),
  status: fc.constantFrom(200, 200, 200, 404, 500),
});

const request = fc.record({
  path: fc.constantFrom("/", "/?q", "/other"),
  method: fc.constantFrom("GET", "GET", "GET", "HEAD", "POST"),
  a: fc.constantFrom(undefined, "", "1"),
  b: fc.constantFrom(undefined, "1"),
  cookie: fc.constantFrom(undefined, undefined, "session=ada"),
});

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;
type Answer = Of<typeof answer>;

interface Computed extends Answer {
  readonly asked: Readonly<Record<"path" | "method" | "a" | "b" | "cookie", string | undefined>>;
  /** When it was computed, or last said to be still right. */
  atMs: number;
  /** How many changes of its URL had been made when it was computed. */
  readonly changes: number;
}

const step = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 6 }),
  answers: fc.array(answer, { minLength: 6, maxLength: 6 }),
  waitMs: fc.constantFrom(0, 500, 2_000, 4_000),
});

/** For how long after its computation an answer may be used, in milliseconds. */
function usableForMs({ control }: Answer): number {
  const seconds = (name: string): number =>
    Number(new RegExp(`(?:^|[ ,])${name}=(\\d+)`).exec(control)?.[1] ?? 0);
  const fresh = control.includes("s-maxage") ? seconds("s-maxage") : seconds("max-age");
  return (fresh + seconds("stale-while-revalidate") + seconds("stale-if-error")) * 1000;
}

test("whatever the traffic, nobody gets what was not for them, or is too old, or was changed since", {
  timeout: 300_000,
}, async () => {
  let validatedInAll = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      let nowMs = Date.now();
      const store = memoryStore({ now: () => nowMs });
      const cache = cacheApp(store, { now: () => nowMs });
      const computed: Computed[] = [];
      const changes = new Map<string, number>();
      const waiting: Answer[] = [];
      const validated = new Set<number>();

      cache.answerer = async ({ url, headers, method }, time) => {
        const chosen = waiting.shift() as Answer;
        const path = url.slice("http://localhost".length);
        const asked = {
          path,
          method,
          a: headers.get("X-A") ?? undefined,
          b: headers.get("X-B") ?? undefined,
          cookie: headers.get("Cookie") ?? undefined,
        };
        const known = Number(headers.get("If-None-Match")?.slice(1, -1));
        const before = computed[known];
        if (before !== undefined && before.changes === (changes.get(path) ?? 0) && !chosen.setsCookie) {
          await Promise.resolve();
          before.atMs = nowMs;
          validated.add(known);
          return new Response(null, { status: 304 });
        }
        computed[time] = { ...chosen, asked, atMs: nowMs, changes: changes.get(path) ?? 0 };
        if (method === "POST" && chosen.status < 400) changes.set(path, (changes.get(path) ?? 0) + 1);
        await Promise.resolve();
        const said = new Headers({ "X-Number": String(time) });
        if (chosen.hasTag) said.set("ETag", `"${time}"`);
        if (chosen.control !== "") said.set("Cache-Control", chosen.control);
        if (chosen.vary !== "") said.set("Vary", chosen.vary);
        if (chosen.setsCookie) said.set("Set-Cookie", `number=${time}`);
        return new Response(`answer ${time}`, { status: chosen.status, headers: said });
      };

      for (const { requests, answers, waitMs } of steps) {
        waiting.push(...answers);
        const changesBefore = new Map(changes);
        const got = await Promise.all(
          requests.map(async (asked) => {
            const headers = new Headers();
            if (asked.a !== undefined) headers.set("X-A", asked.a);
            if (asked.b !== undefined) headers.set("X-B", asked.b);
            if (asked.cookie !== undefined) headers.set("Cookie", asked.cookie);
            const response = await cache.app.request(asked.path, { method: asked.method, headers });
            return { asked, response, text: await response.text() };
          }),
        );
        for (const { asked, response, text } of got) {
          const number = Number(response.headers.get("X-Number"));
          const by = computed[number] as Computed;
          expect(text).toBe(asked.method === "HEAD" ? "" : `answer ${number}`);
          expect(response.status).toBe(by.status);
          expect(by.asked.path).toBe(asked.path);
          const isForwarded = /fwd=(?!.*collapsed)/.test(response.headers.get("Cache-Status") ?? "");
          if (isForwarded && !validated.has(number)) {
            expect(by.asked).toEqual(asked); // its own
            continue;
          }
          expect([asked.cookie, by.asked.cookie, by.asked.method]).toEqual([undefined, undefined, "GET"]);
          expect([by.setsCookie, by.vary === "*", by.status]).toEqual([
            false,
            false,
            by.status === 404 ? 404 : 200,
          ]);
          if (by.vary.includes("X-A")) expect(by.asked.a).toBe(asked.a);
          if (by.vary.includes("X-B")) expect(by.asked.b).toBe(asked.b);
          expect(nowMs - by.atMs).toBeLessThan(usableForMs(by));
          // What was changed before these requests were made is seen by all of them.
          expect(by.changes).toBeGreaterThanOrEqual(changesBefore.get(asked.path) ?? 0);
        }
        validatedInAll += validated.size;
        validated.clear();
        waiting.length = 0;
        await new Promise((resolve) => setTimeout(resolve)); // what is written after the answers
        nowMs += waitMs;
      }
      await store.close();
    }),
    { numRuns: process.env["KV_SOAK"] === "1" ? 2_000 : 150 },
  );
  expect(validatedInAll).toBeGreaterThan(0); // or it was not tried
});
