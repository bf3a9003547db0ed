import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { singleFlight } from "../src/driver.ts";
import { deferred } from "./map-driver.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Work that the test ends, and the number of times that it was begun. */
function heldWork() {
  const held = deferred<string>();
  const work = vi.fn(() => held.promise);
  return { ...held, work };
}

describe("singleFlight", () => {
  test("does the work on a key once for all who ask meanwhile, and again for who asks later", async () => {
    const inFlight = new Map<string, Promise<string>>();
    const { work, resolve } = heldWork();
    const calls = Array.from({ length: 5 }, () => singleFlight(inFlight, "a", work));
    resolve("done");
    expect(await Promise.all(calls)).toEqual(Array(5).fill("done"));
    expect(work).toHaveBeenCalledOnce();
    expect(inFlight.size).toBe(0);
    await singleFlight(inFlight, "a", work);
    expect(work).toHaveBeenCalledTimes(2);
  });

  test("different keys do their own work", async () => {
    const inFlight = new Map<string, Promise<string>>();
    const calls = ["a", "b"].map((key) => singleFlight(inFlight, key, async () => key));
    expect(await Promise.all(calls)).toEqual(["a", "b"]);
  });

  test("work that fails fails for all who wait, and is forgotten before any of them goes on", async () => {
    const inFlight = new Map<string, Promise<string>>();
    const { work, reject } = heldWork();
    const calls = [1, 2].map(async () => {
      await expect(singleFlight(inFlight, "a", work)).rejects.toThrow("broken");
      return inFlight.size;
    });
    reject(new Error("broken"));
    expect(await Promise.all(calls)).toEqual([0, 0]);
  });

  test.each(["resolves", "rejects"])(
    "a result is shared further until what was given for that %s",
    async (how) => {
      const inFlight = new Map<string, Promise<string>>();
      const end = deferred<void>();
      const work = vi.fn(async () => "done");
      const ask = () => singleFlight(inFlight, "a", work, () => end.promise);
      expect([await ask(), await ask()]).toEqual(["done", "done"]);
      expect(work).toHaveBeenCalledOnce();
      if (how === "resolves") end.resolve();
      else end.reject(new Error("broken"));
      await vi.waitFor(() => expect(inFlight.size).toBe(0));
      await ask();
      expect(work).toHaveBeenCalledTimes(2);
    },
  );

  test("work that was forgotten is not waited for, and its end does not forget what came after it", async () => {
    const inFlight = new Map<string, Promise<string>>();
    const [early, late] = [heldWork(), heldWork()];
    const first = singleFlight(inFlight, "a", early.work);
    inFlight.delete("a");
    const second = singleFlight(inFlight, "a", late.work);
    early.resolve("early");
    expect(await first).toBe("early");
    const third = singleFlight(inFlight, "a", late.work);
    late.resolve("late");
    expect(await Promise.all([second, third])).toEqual(["late", "late"]);
    expect(late.work).toHaveBeenCalledOnce();
  });

  test("on Cloudflare Workers everybody does the work alone", async () => {
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
    const inFlight = new Map<string, Promise<string>>();
    const { work, resolve } = heldWork();
    const calls = [1, 2].map(() => singleFlight(inFlight, "a", work));
    expect([work.mock.calls.length, inFlight.size]).toEqual([2, 0]);
    resolve("done");
    expect(await Promise.all(calls)).toEqual(["done", "done"]);
  });

  test("in any order of calls and ends, one work a key is in flight, and each call gets what it joined", async () => {
    const step = fc.record({
      key: fc.constantFrom("a", "b"),
      does: fc.constantFrom("ask", "resolve", "reject"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), async (steps) => {
        const inFlight = new Map<string, Promise<number>>();
        const current = new Map<string, ReturnType<typeof deferred<number>> & { readonly id: number }>();
        const expected: (number | string)[] = [];
        const outcomes: Promise<number | string>[] = [];
        const failed = new Set<number>();
        const joined: number[] = [];
        let begun = 0;
        const settle = async (key: string, how: string): Promise<void> => {
          const work = current.get(key);
          current.delete(key);
          if (work === undefined) return;
          if (how === "resolve") work.resolve(work.id);
          else {
            failed.add(work.id);
            work.reject(new Error(`failed ${work.id}`));
          }
          await work.promise.catch(() => {});
        };
        for (const { key, does } of steps) {
          if (does !== "ask") {
            await settle(key, does);
            continue;
          }
          const before = current.get(key)?.id;
          const call = singleFlight(inFlight, key, () => {
            const held = { ...deferred<number>(), id: begun };
            begun += 1;
            current.set(key, held);
            return held.promise;
          });
          const id = current.get(key)?.id as number;
          if (before !== undefined) expect(id).toBe(before);
          joined.push(id);
          outcomes.push(call.catch((error: Error) => error.message));
        }
        for (const key of ["a", "b"]) await settle(key, "resolve");
        for (const id of joined) expected.push(failed.has(id) ? `failed ${id}` : id);
        expect(await Promise.all(outcomes)).toEqual(expected);
        expect(inFlight.size).toBe(0);
      }),
    );
  });
});
