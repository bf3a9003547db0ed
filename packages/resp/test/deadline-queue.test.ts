import { Buffer } from "node:buffer";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Operation } from "../src/commands/operation.ts";
import { exists } from "../src/commands/operations.ts";
import { DeadlineQueue } from "../src/pipeline/deadline-queue.ts";
import { respStore } from "../src/store/resp-store.ts";
import { FakeTransport } from "./fake-transport.ts";

test("S7 what is given up is what was not settled, in its order, whichever was settled first", () => {
  for (const order of ordersOf(["a", "b", "c", "d"])) {
    for (let count = 0; count <= order.length; count += 1) {
      const settled = order.slice(0, count);
      const expired: string[] = [];
      const queue: DeadlineQueue = new DeadlineQueue(60_000, {
        bytesRead: () => 0,
        owesAnswer: () => false,
        check() {},
        expire(late) {
          for (const operation of late) {
            expired.push(operation.key);
            queue.remove(operation);
          }
        },
      });
      const operations = new Map(["a", "b", "c", "d"].map((key) => [key, operationOn(key)]));
      for (const operation of operations.values()) queue.add(operation);
      for (const key of settled) queue.remove(operations.get(key) as Operation);
      queue.expireAll();
      expect(expired).toEqual(["a", "b", "c", "d"].filter((key) => !settled.includes(key)));
    }
  }
});

test("a value that was answered can be collected, while another call of its tick still waits", async () => {
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

function operationOn(key: string): Operation {
  const nothing = (): void => {};
  return new Operation(exists, key, [], nothing, nothing);
}

function ordersOf(items: readonly string[]): string[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first) =>
    ordersOf(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}
