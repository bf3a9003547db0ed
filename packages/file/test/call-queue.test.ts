import { time } from "@kv/core/driver";
import { replaceTime } from "@kv/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { CallQueue } from "../src/calls/call-queue.ts";
import { entryKey, locateNamespace } from "../src/format/layout.ts";
import { outcomeOf } from "./stores.ts";

const root = locateNamespace("/store/data", []);
const a = locateNamespace("/store/data", ["a"]);
const ab = locateNamespace("/store/data", ["ab"]);

test("S6 a call on a namespace waits for those in it and below, and for no other", async () => {
  const queue = new CallQueue(60_000);
  const done: string[] = [];
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  const below = locateNamespace("/store/data", ["a", "below"]);
  const slow = queue.runOnKey(entryKey(below, "k"), "write", () => held.then(() => done.push("below")));
  const all = queue.runOnNamespace(a, () => done.push("a"));
  const later = queue.runOnKey(entryKey(a, "k"), "write", () => done.push("a, later"));
  await queue.runOnKey(entryKey(root, "k"), "write", () => done.push("root"));
  await queue.runOnNamespace(ab, () => done.push("ab"));
  finish();
  await Promise.all([slow, all, later]);
  expect(done).toEqual(["root", "ab", "below", "a", "a, later"]);
});

test("S7 a call that waits for nothing is begun, however long the process stood still meanwhile", async () => {
  const { monotonicMs } = time;
  let stoodStillMs = 0;
  const replaced = replaceTime({
    monotonicMs: () => {
      stoodStillMs += 600;
      return monotonicMs() + stoodStillMs;
    },
  });
  onTestFinished(() => replaced[Symbol.dispose]());
  const queue = new CallQueue(500);
  expect(queue.runOnKey(entryKey(root, "k"), "write", () => "done")).toBe("done");
});

test("S7 a call that was given up while it waited is never begun, and those behind it are", async () => {
  const queue = new CallQueue(500);
  const key = entryKey(root, "k");
  const begun: string[] = [];
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => (finish = resolve));
  const first = outcomeOf(async () => queue.runOnKey(key, "write", () => held));
  const second = outcomeOf(async () => queue.runOnKey(key, "write", () => begun.push("second")));
  expect(await first).toMatchObject({ code: "KV_UNAVAILABLE" });
  expect(await second).toMatchObject({ code: "KV_TIMEOUT" });
  const third = queue.runOnKey(key, "write", () => begun.push("third"));
  finish();
  await third;
  expect(begun).toEqual(["third"]);
});

test("a call begins synchronously where nothing is ahead of it", () => {
  const queue = new CallQueue(60_000);
  expect(queue.runOnKey(entryKey(root, "k"), "read", () => "done")).toBe("done");
  expect(queue.runOnNamespace(a, () => "done")).toBe("done");
});
