import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { KeyedQueue } from "../src/driver-entry.ts";

describe("KeyedQueue", () => {
  test("does the work on a key in the order in which it was asked for", async () => {
    const queue = new KeyedQueue();
    const done: number[] = [];
    await Promise.all(
      [5, 0, 3].map((turns, at) =>
        queue.run("a", async () => {
          for (let left = turns; left > 0; left -= 1) await setImmediate();
          done.push(at);
        }),
      ),
    );
    expect(done).toEqual([0, 1, 2]);
  });

  test("begins at once where nothing is under way on that key", () => {
    const queue = new KeyedQueue();
    const begun: string[] = [];
    const forever = new Promise<never>(() => {});
    for (const key of ["a", "b", "a"]) {
      void queue.run(key, () => {
        begun.push(key);
        return forever;
      });
    }
    expect(begun).toEqual(["a", "b"]);
  });

  test("goes on after work that failed, and gives each its own outcome", async () => {
    const queue = new KeyedQueue();
    const failing = queue.run("a", () => Promise.reject(new Error("broken")));
    const next = queue.run("a", () => Promise.resolve("done"));
    await expect(failing).rejects.toThrow("broken");
    await expect(next).resolves.toBe("done");
  });

  test("runAlone waits for all keys; what comes later begins after it has begun", async () => {
    const queue = new KeyedQueue();
    const done: string[] = [];
    const step = (name: string) => async () => {
      await setImmediate();
      done.push(name);
    };
    const alone = async (): Promise<void> => {
      done.push("alone");
    };
    await Promise.all([
      queue.run("a", step("a")),
      queue.run("b", step("b")),
      queue.runAlone(alone),
      queue.run("a", step("a later")),
    ]);
    expect(done).toEqual(["a", "b", "alone", "a later"]);
  });
});
