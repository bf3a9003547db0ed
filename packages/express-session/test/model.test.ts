import { memoryStore } from "@kv/memory";
import expressSession, { type SessionData } from "express-session";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { sessionStore } from "../src/index.ts";
import { promised } from "./promised.ts";

const minuteMs = 60_000;
const idleMs = 10 * minuteMs;
const absoluteMs = 16 * minuteMs;
const startMs = Date.UTC(2030, 0, 1);

afterEach(() => {
  vi.useRealTimers();
});

/** What a session should be. */
interface Expected {
  n: number;
  readonly beganAtMs: number;
  readonly maxAgeMs: number | undefined;
  endsAtMs: number;
}

/** A session object of a request, and which life of its id it belongs to. */
interface Held {
  readonly id: string;
  readonly object: SessionData;
  readonly of: Expected;
  readonly requestedAtMs: number;
  /** The number that it was loaded or last saved with. */
  n: number;
}

const id = fc.constantFrom("a", "b");
// Weighted so that sessions live long enough for their renewals and their absolute end to matter.
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("begin" as const),
      id,
      maxAgeMs: fc.constantFrom(undefined, 4 * minuteMs),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("load" as const), id }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("save" as const), at: fc.nat(5), change: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("touch" as const), at: fc.nat(5) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("wait" as const), minutes: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("destroy" as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const) }) },
);

test.each([
  { absoluteTimeout: absoluteMs / 1_000, limitMs: absoluteMs },
  { absoluteTimeout: undefined, limitMs: Number.POSITIVE_INFINITY },
])(
  "sessions are there, and hold what they should, whatever was called and however time passed ($absoluteTimeout)",
  { timeout: 300_000 },
  async ({ absoluteTimeout, limitMs }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80, size: "max" }), async (steps) => {
        vi.setSystemTime(startMs);
        await using store = memoryStore({ now: () => Date.now(), sweepEvery: Number.POSITIVE_INFINITY });
        const sessions = promised(
          sessionStore(store, {
            onOutage: "refuse",
            idleTimeout: idleMs / 1_000,
            ...(absoluteTimeout !== undefined && { absoluteTimeout }),
          }),
        );
        const expected = new Map<string, Expected>();
        const held: Held[] = [];
        let n = 0;

        const live = (key: string): Expected | undefined => {
          const one = expected.get(key);
          return one !== undefined && one.endsAtMs > Date.now() ? one : undefined;
        };
        const renew = ({ of, requestedAtMs }: Held): void => {
          // A cookie with a maxAge ends so long after its request began; the request may be slow.
          const endsAtMs = of.maxAgeMs === undefined ? Date.now() + idleMs : requestedAtMs + of.maxAgeMs;
          of.endsAtMs = Math.min(endsAtMs, of.beganAtMs + limitMs);
        };

        for (const one of steps) {
          switch (one.do) {
            case "begin": {
              if (live(one.id) !== undefined) break; // no framework makes an id twice
              const object: SessionData = { cookie: new expressSession.Cookie(), n: ++n };
              if (one.maxAgeMs !== undefined) object.cookie.maxAge = one.maxAgeMs;
              await sessions.set(one.id, object);
              const of = { n, beganAtMs: Date.now(), maxAgeMs: one.maxAgeMs, endsAtMs: 0 };
              const request = { id: one.id, object, of, requestedAtMs: Date.now(), n };
              renew(request);
              expected.set(one.id, of);
              held.push(request);
              break;
            }
            case "load": {
              const loaded = await sessions.get(one.id);
              const of = live(one.id);
              expect(loaded?.n).toBe(of?.n);
              if (loaded === undefined || of === undefined) break;
              const object = sessions.store.createSession({ sessionID: one.id } as never, loaded);
              held.push({ id: one.id, object, of, requestedAtMs: Date.now(), n: of.n });
              break;
            }
            case "save": {
              const request = held.at(-1 - one.at);
              const before = request && live(request.id);
              // No framework makes an id twice: a request of an id's older life has no business with the newer one.
              if (request === undefined || (before !== undefined && before !== request.of)) break;
              if (one.change) request.object.n = ++n;
              await sessions.set(request.id, request.object);
              const of = live(request.id);
              if (of !== undefined) {
                if (request.object.n !== request.n) {
                  of.n = request.object.n ?? 0;
                  request.n = of.n;
                }
                renew(request);
              }
              break;
            }
            case "touch": {
              const request = held.at(-1 - one.at);
              const of = request && live(request.id);
              if (request === undefined || (of !== undefined && of !== request.of)) break;
              await sessions.touch(request.id, request.object);
              if (of !== undefined) renew(request);
              break;
            }
            case "destroy":
              await sessions.destroy(one.id);
              expected.delete(one.id);
              break;
            case "clear":
              await sessions.clear();
              expected.clear();
              break;
            case "wait":
              vi.setSystemTime(Date.now() + one.minutes * minuteMs);
          }
          const there = ["a", "b"].filter((key) => live(key) !== undefined);
          expect((await sessions.ids()).toSorted()).toEqual(
            there.map((key) => sessions.store.storedId(key)).toSorted(),
          );
          for (const key of ["a", "b"]) expect((await sessions.get(key))?.n).toBe(live(key)?.n);
        }
      }),
      { numRuns: 400 },
    );
  },
);
