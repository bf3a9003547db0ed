import { Buffer } from "node:buffer";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Deadlines } from "../src/deadlines.ts";
import { exists } from "../src/kinds.ts";
import { respStore } from "../src/resp-store.ts";
import { Step } from "../src/step.ts";
import { FakeTransport } from "./fake-transport.ts";

test("S7 what is given up is what was not settled, in its order, whichever was settled first", () => {
  for (const order of ordersOf(["a", "b", "c", "d"])) {
    for (let count = 0; count <= order.length; count += 1) {
      const settled = order.slice(0, count);
      const expired: string[] = [];
      const deadlines: Deadlines = new Deadlines(60_000, {
        bytesRead: () => 0,
        owesAnswer: () => false,
        look() {},
        expire(late) {
          for (const step of late) {
            expired.push(step.key);
            deadlines.settled(step);
          }
        },
      });
      const steps = new Map(["a", "b", "c", "d"].map((key) => [key, stepOn(key)]));
      for (const step of steps.values()) deadlines.add(step);
      for (const key of settled) deadlines.settled(steps.get(key) as Step);
      deadlines.expireAll();
      expect(expired).toEqual(["a", "b", "c", "d"].filter((key) => !settled.includes(key)));
    }
  }
});

test("a value that was answered is let go of, while another call of its tick still waits", async () => {
  let answerExists: (answer: unknown) => void = () => {};
  const transport = new FakeTransport((name) => {
    if (name === "get") return Buffer.alloc(1_000);
    return new Promise((resolve) => {
      answerExists = resolve;
    });
  });
  const store = respStore("asked", { transport, close: false }, {});
  const waiting = store.exists("key");
  const held = await store.get("key").then((value) => new WeakRef(value as Uint8Array));
  await new Promise((resolve) => setImmediate(resolve)); // until then a WeakRef holds on by itself
  collectGarbage();
  expect(held.deref()).toBeUndefined();
  answerExists(1);
  expect(await waiting).toBe(true);
  await store.close();
});

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

function stepOn(key: string): Step {
  const nothing = (): void => {};
  return new Step(exists, key, [], nothing, nothing);
}

function ordersOf(items: readonly string[]): string[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first) =>
    ordersOf(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}
