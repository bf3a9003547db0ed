import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, type Mock, test, vi } from "vitest";
import {
  forEachYielding,
  Interval,
  longestTimerMs,
  settlesWithin,
  sleep,
  type Timer,
  TimeSlice,
  time,
  unref,
} from "../src/driver.ts";
import { replaceTime } from "../src/testing.ts";

describe("time", () => {
  test("a clock and a timer are those that a test has put in their place, until it gives them back", () => {
    const asked: number[] = [];
    {
      using _ = replaceTime({ wallMs: () => 7, setTimeout: (_callback, ms) => asked.push(ms) as never });
      expect(time.wallMs()).toBe(7);
      time.setTimeout(() => {}, 5);
    }
    expect(asked).toEqual([5]);
    expect(time.wallMs()).toBeGreaterThan(7);
  });

  test("it is called back by what the runtime has for it, or else by a timer and a microtask", () => {
    const asked: string[] = [];
    const caller = (name: string) => (callback: () => void) => {
      asked.push(name);
      callback();
    };
    vi.stubGlobal("setTimeout", caller("setTimeout"));
    vi.stubGlobal("queueMicrotask", caller("queueMicrotask"));
    const called = vi.fn();
    try {
      vi.stubGlobal("setImmediate", caller("setImmediate"));
      vi.stubGlobal("process", { nextTick: caller("nextTick") });
      time.setImmediate(called);
      time.nextTick(called);
      vi.stubGlobal("setImmediate", undefined);
      time.setImmediate(called);
      for (const process of [{}, undefined]) {
        vi.stubGlobal("process", process);
        time.nextTick(called);
      }
    } finally {
      vi.unstubAllGlobals();
    }
    expect(asked).toEqual(["setImmediate", "nextTick", "setTimeout", "queueMicrotask", "queueMicrotask"]);
    expect(called).toHaveBeenCalledTimes(5);
  });

  test("L3 unref lets the process end where a timer is an object, and takes a number too", () => {
    const timer = { unref: vi.fn() };
    expect(unref(timer as unknown as Timer)).toBe(timer);
    expect(timer.unref).toHaveBeenCalledOnce();
    expect(unref(1 as unknown as Timer)).toBe(1);
  });

  describe("with fake timers of a test runner", () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("clocks and timers are the fake ones", () => {
      const called = vi.fn();
      const [wallMs, monotonicMs] = [time.wallMs(), time.monotonicMs()];
      time.setTimeout(called, 1_000);
      vi.advanceTimersByTime(999);
      expect(called).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(called).toHaveBeenCalledOnce();
      expect([time.wallMs() - wallMs, time.monotonicMs() - monotonicMs]).toEqual([1_000, 1_000]);
    });

    test("a timer that is too long for the runtime fires after the longest that there is, not immediately", () => {
      const called = vi.fn();
      time.setTimeout(called, Number.POSITIVE_INFINITY);
      vi.advanceTimersByTime(longestTimerMs - 1);
      expect(called).not.toHaveBeenCalled();
      vi.advanceTimersByTime(1);
      expect(called).toHaveBeenCalledOnce();
    });

    test("what a callback throws becomes a process warning", async () => {
      const emitted = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
      const fail = (): never => {
        throw new Error("broken");
      };
      time.setTimeout(fail, 1);
      time.setImmediate(fail);
      time.nextTick(fail);
      await vi.advanceTimersByTimeAsync(1);
      expect(emitted).toHaveBeenCalledTimes(3);
      emitted.mockRestore();
    });

    test("settlesWithin tells what came first, and leaves no timer behind", async () => {
      await expect(settlesWithin(1_000, Promise.resolve())).resolves.toBe(true);
      await expect(settlesWithin(1_000, Promise.reject(new Error("broken")))).rejects.toThrow("broken");
      expect(vi.getTimerCount()).toBe(0);
      const late = settlesWithin(1_000, new Promise(() => {}));
      await vi.advanceTimersByTimeAsync(1_000);
      await expect(late).resolves.toBe(false);
    });

    test("sleep lasts at least so long", async () => {
      let isOver = false;
      const slept = sleep(50).then(() => {
        isOver = true;
      });
      await vi.advanceTimersByTimeAsync(49);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await slept;
    });
  });
});

describe("time slices", () => {
  test("every item has its step, in order, and nothing else waits for longer than a slice and a step", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 50, size: "max" }),
        async (costs) => {
          let nowMs = 0;
          let yieldedAtMs = 0;
          let longestMs = 0;
          using _ = replaceTime({
            monotonicMs: () => nowMs,
            setImmediate(callback) {
              longestMs = Math.max(longestMs, nowMs - yieldedAtMs);
              yieldedAtMs = nowMs;
              queueMicrotask(callback);
            },
          });
          const done: number[] = [];
          await forEachYielding(costs.keys(), (at) => {
            nowMs += costs[at] ?? 0;
            done.push(at);
          });
          expect(done).toEqual([...costs.keys()]);
          longestMs = Math.max(longestMs, nowMs - yieldedAtMs);
          expect(longestMs).toBeLessThanOrEqual(2 + Math.max(0, ...costs));
        },
      ),
    );
  });

  test("each slice lasts 2 ms", async () => {
    let nowMs = 0;
    const yieldedAtMs: number[] = [];
    using _ = replaceTime({
      monotonicMs: () => nowMs,
      setImmediate(callback) {
        yieldedAtMs.push(nowMs);
        callback();
      },
    });
    const slice = new TimeSlice();
    for (; nowMs < 5; nowMs += 1) await slice.end();
    expect(yieldedAtMs).toEqual([2, 4]);
  });

  test("a slice that has time left yields nothing", async () => {
    const yields = vi.fn();
    using _ = replaceTime({ monotonicMs: () => 0, setImmediate: yields });
    await new TimeSlice().end();
    expect(yields).not.toHaveBeenCalled();
  });
});

/** Work that lasts until it is released, and says then whether to go on. */
function heldWork(goesOn: () => boolean): { readonly work: Mock<() => Promise<boolean>>; release(): void } {
  let settle = (): void => {};
  const work = vi.fn(async () => {
    await new Promise<void>((resolve) => {
      settle = resolve;
    });
    return goesOn();
  });
  return { work, release: () => settle() };
}

describe("Interval", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("works again so long after the last time was over, while the work says so", async () => {
    let goesOn = true;
    const { work, release } = heldWork(() => goesOn);
    const interval = new Interval(100, work);
    interval.start();
    interval.start(); // waits already
    await vi.advanceTimersByTimeAsync(100);
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000); // it is still at work
    interval.start();
    expect(work).toHaveBeenCalledTimes(1);
    release();
    await vi.advanceTimersByTimeAsync(99);
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(work).toHaveBeenCalledTimes(2);
    goesOn = false;
    release();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(work).toHaveBeenCalledTimes(2);
    interval.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(work).toHaveBeenCalledTimes(3);
  });

  test.each([0, 1, 2, 3, 4, 5, 6])(
    "a start that comes %i microtasks after the work has decided to end is not lost",
    async (microtasks) => {
      const { work, release } = heldWork(() => false);
      const interval = new Interval(100, work);
      interval.start();
      await vi.advanceTimersByTimeAsync(100);
      release();
      for (let left = microtasks; left > 0; left -= 1) await Promise.resolve();
      interval.start();
      await vi.advanceTimersByTimeAsync(100);
      expect(work).toHaveBeenCalledTimes(2);
    },
  );

  test("goes on after work that failed, and tells of it as a process warning", async () => {
    const emitted = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    const work = vi.fn(() => Promise.reject(new Error("broken")));
    const interval = new Interval(100, work);
    interval.start();
    await vi.advanceTimersByTimeAsync(250);
    expect(work).toHaveBeenCalledTimes(2);
    expect(emitted).toHaveBeenCalledTimes(2);
    emitted.mockRestore();
    await interval.stop();
  });

  test("stop waits for work in flight, and nothing starts again", async () => {
    const { work, release } = heldWork(() => true);
    const interval = new Interval(100, work);
    interval.start();
    await vi.advanceTimersByTimeAsync(100);
    let isStopped = false;
    const stopped = interval.stop().then(() => {
      isStopped = true;
    });
    await vi.advanceTimersByTimeAsync(10);
    expect(isStopped).toBe(false);
    release();
    await stopped;
    interval.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(work).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that is Infinity never begins, and a runtime whose timers are numbers will do", () => {
    new Interval(Number.POSITIVE_INFINITY, async () => true).start();
    expect(vi.getTimerCount()).toBe(0);
    using _ = replaceTime({ setTimeout: () => 1 as never });
    new Interval(1, async () => true).start();
  });
});
