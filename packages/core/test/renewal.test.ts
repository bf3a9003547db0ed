import { describe, expect, test } from "vitest";
import { Backoff, type Timer, withRenewal } from "../src/driver.ts";
import { replaceTime } from "../src/testing.ts";
import { deferred } from "./map-driver.ts";

describe("withRenewal", () => {
  test.each(["resolves", "rejects"])("renews while work is in flight, until it %s", async (how) => {
    const ticks: (() => unknown)[] = [];
    const stopped: unknown[] = [];
    const timer = 1 as unknown as Timer; // as browsers and workers have it
    using _ = replaceTime({
      setInterval(callback, ms) {
        expect(ms).toBe(50);
        ticks.push(callback);
        return timer;
      },
      clearInterval: (given) => void stopped.push(given),
    });
    const work = deferred<string>();
    let renewals = 0;
    const outcome = withRenewal(
      50,
      async () => (renewals += 1),
      () => work.promise,
    );
    for (let left = 3; left > 0; left -= 1) ticks[0]?.();
    expect([ticks.length, renewals, stopped]).toEqual([1, 3, []]);
    if (how === "resolves") work.resolve("done");
    else work.reject(new Error("broken"));
    expect(await outcome.catch((error: Error) => error.message)).toBe(how === "resolves" ? "done" : "broken");
    expect(stopped).toEqual([timer]);
  });
});

test("Backoff waits twice as long each time, up to a limit, and never in step", async () => {
  const waits: number[] = [];
  using _ = replaceTime({
    setTimeout(callback, ms) {
      waits.push(ms);
      callback();
      return 1 as unknown as Timer;
    },
  });
  const backoff = new Backoff();
  for (let left = 8; left > 0; left -= 1) await backoff.wait();
  for (const [at, longest] of [10, 20, 40, 80, 160, 250, 250, 250].entries()) {
    expect(waits[at]).toBeGreaterThanOrEqual(longest / 2);
    expect(waits[at]).toBeLessThanOrEqual(longest);
  }
  expect(new Set(waits).size).toBe(8);
});
