import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { withProgress } from "../src/terminal/progress.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Returns what is printed about work that counts up as it goes. */
async function printed(isTTY: boolean, asked: boolean, fails = false): Promise<string> {
  const stderr = Object.assign(new PassThrough(), { isTTY });
  const stream = new PassThrough();
  let count = 0;
  const work = withProgress(
    { stdin: stream, stdout: stream, stderr, env: {} },
    asked,
    () => `${count} done`,
    async () => {
      for (count = 1; count < 3; count += 1) vi.advanceTimersByTime(isTTY ? 100 : 5_000);
      if (fails) throw new Error("it fails");
    },
  );
  if (fails) await expect(work).rejects.toThrow("it fails");
  else await work;
  vi.advanceTimersByTime(60_000); // nothing goes on telling
  stderr.end();
  return text(stderr);
}

test("on a terminal one line changes, and the last word stays", async () => {
  expect(await printed(true, false)).toBe("\r\u001B[K1 done\r\u001B[K2 done\r\u001B[K3 done\n");
});

test("in a log it tells a line now and then, where it was asked for", async () => {
  expect(await printed(false, true)).toBe("1 done\n2 done\n3 done\n");
  expect(await printed(false, false)).toBe("");
});

test("work that fails ends the line too", async () => {
  expect(await printed(true, false, true)).toMatch(/3 done\n$/);
});
