import { setImmediate } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { allOf } from "../src/concurrency/answer.ts";
import { KeyedQueue } from "../src/driver.ts";
import { deferred } from "./map-driver.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

test("work on a key runs in the order in which it was asked for, alone among its own and beside all others", async () => {
  const keys = fc.constantFrom("a", "b", "a/x", "a/y", "a/x/z", "ab");
  const job = fc.record({
    path: keys,
    isAlone: fc.boolean(),
    turns: fc.integer({ min: 1, max: 3 }),
    fails: fc.boolean(),
    pause: fc.nat({ max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(job, { maxLength: 12, size: "max" }), async (jobs) => {
      const queue = new KeyedQueue();
      const began: number[] = [];
      const ended: number[] = [];
      const results: Promise<unknown>[] = [];
      for (const [at, { path, isAlone, turns, fails, pause }] of jobs.entries()) {
        const work = async (): Promise<number> => {
          began.push(at);
          // Whoever is in its way has ended, and nobody else kept it from beginning.
          for (const [other, earlier] of jobs.slice(0, at).entries()) {
            if (collide(earlier, { path, isAlone })) expect(ended).toContain(other);
          }
          for (let left = turns; left > 0; left -= 1) await setImmediate();
          ended.push(at);
          if (fails) throw new Error("broken");
          return at;
        };
        const isFree = jobs
          .slice(0, at)
          .every((earlier, other) => ended.includes(other) || !collide(earlier, { path, isAlone }));
        if (!isAlone) expect(queue.isFree(path)).toBe(isFree);
        results.push(isAlone ? queue.runAlone(work, path) : queue.run(path, work));
        if (isFree) expect(began).toContain(at);
        for (let left = pause; left > 0; left -= 1) await setImmediate();
      }
      const outcomes = await Promise.allSettled(results);
      for (const [at, { fails }] of jobs.entries()) {
        expect(outcomes[at]?.status).toBe(fails ? "rejected" : "fulfilled");
      }
      // Nothing is left behind: the next one begins immediately.
      expect(queue.runAlone(() => "now")).toBe("now");
    }),
  );
});

interface Job {
  readonly path: string;
  readonly isAlone: boolean;
}

/** Whether the later of two jobs has to wait for the earlier. */
function collide(a: Job, b: Job): boolean {
  return (
    a.path === b.path || (a.isAlone && isBelow(b.path, a.path)) || (b.isAlone && isBelow(a.path, b.path))
  );
}

function isBelow(path: string, other: string): boolean {
  return path.startsWith(`${other}/`);
}

test("who asks while the second is at work waits for it, though the first is over", async () => {
  const queue = new KeyedQueue();
  const second = deferred<void>();
  const began: string[] = [];
  await Promise.all([
    queue.run("a", async () => void began.push("first")),
    new Promise<void>((resolve) => {
      void queue.run("a", () => {
        began.push("second");
        resolve();
        return second.promise;
      });
    }),
  ]);
  await setImmediate();
  const third = queue.run("a", async () => void began.push("third"));
  await setImmediate();
  expect(began).toEqual(["first", "second"]);
  second.resolve();
  await third;
  expect(began).toEqual(["first", "second", "third"]);
});

test("without a path work waits for all keys, and all keys for it", async () => {
  const queue = new KeyedQueue();
  const [before, alone] = [deferred<void>(), deferred<void>()];
  const began: string[] = [];
  void queue.run("a", () => before.promise);
  const work = queue.runAlone(() => {
    began.push("alone");
    return alone.promise;
  });
  await setImmediate();
  expect([began, queue.isFree("b")]).toEqual([[], false]);
  before.resolve();
  await setImmediate();
  expect(began).toEqual(["alone"]);
  alone.resolve();
  await work;
  await setImmediate();
  expect(queue.isFree("b")).toBe(true);
});

describe("where nothing is in the way", () => {
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tried here
  test.each([[undefined], [null], [5], ["then"], [{ then: 5 }]])(
    "%o is an answer, and no promise",
    (answer) => {
      const queue = new KeyedQueue();
      expect(queue.run("a", () => answer)).toBe(answer);
      expect(queue.isFree("a")).toBe(true);
    },
  );

  test("work that answers synchronously is done when the call returns", () => {
    const queue = new KeyedQueue();
    expect(queue.run("a", () => 1)).toBe(1);
    expect(queue.runAlone(() => 2)).toBe(2);
    expect(() =>
      queue.run("a", () => {
        throw new Error("broken");
      }),
    ).toThrow("broken");
    expect(queue.run("a", () => 3)).toBe(3);
  });
});

test("a promise of another realm is waited for too", async () => {
  const queue = new KeyedQueue();
  const events: string[] = [];
  const foreign = runInNewContext("(wait) => new Promise((resolve) => wait(resolve))") as (
    wait: (resolve: () => void) => void,
  ) => Promise<void>;
  const first = queue.run("a", () =>
    foreign((resolve) => {
      events.push("begin 1");
      void setImmediate().then(() => {
        events.push("end 1");
        resolve();
      });
    }),
  );
  await queue.run("a", async () => events.push("begin 2"));
  await first;
  expect(events).toEqual(["begin 1", "end 1", "begin 2"]);
});

test("answers of which some come later all come later", async () => {
  expect(allOf([1, 2])).toEqual([1, 2]);
  expect(await allOf([1, Promise.resolve(2)])).toEqual([1, 2]);
});

test("on Cloudflare Workers nothing waits for the promise of another request", async () => {
  vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
  const queue = new KeyedQueue();
  const forever = new Promise<never>(() => {});
  void queue.run("a", () => forever);
  await expect(queue.run("a", async () => "done")).resolves.toBe("done");
  await expect(queue.runAlone(async () => "alone")).resolves.toBe("alone");
});
