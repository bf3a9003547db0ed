import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { bundled } from "./bundled.ts";
import type { Many, Operations, Sent, Settled } from "./hung-process.ts";
import { fileOf } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent("memory");
let program = "";
beforeAll(async () => {
  program = await bundled("hung-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const notDone = ["KV_UNAVAILABLE", "KV_TIMEOUT"];
const reads = ["get", "exists", "expiresIn", "getMany", "keys", "entries", "namespaces"];
const threads = 4;

const hasFifos = process.platform !== "win32";

describe.skipIf(!hasFifos)(
  `S7 a network disk that does not answer${hasFifos ? "" : " (unproven here: it takes FIFOs)"}`,
  () => {
    test("every operation is rejected in time, for what it is, and what was not done is not done later", async () => {
      const at = newDirectory(parent).path;
      const result = (await ran("operations", at)) as Operations;
      for (const [name, { outcome, isChanged }] of Object.entries(result.operations)) {
        if (reads.includes(name)) expect.soft(outcome, name).toBe("KV_UNAVAILABLE");
        else if (result.sent.some((call) => isEffect(join(at, "hung"), name, call))) {
          expect.soft([...notDone, "KV_OUTCOME_UNKNOWN"], name).toContain(outcome);
        } else expect.soft(notDone, name).toContain(outcome);
        if (outcome !== "KV_OUTCOME_UNKNOWN")
          expect.soft(isChanged, `${name}, ${outcome}: changed`).toBe(false);
      }
      expectUntouched(result.others);
      expect.soft(result.again.outcome, "the store works again").toBe("2");
    });

    test("what is asked for a long time does not pile up, and holds half of the threads at most", async () => {
      const result = (await ran("many")) as Many;
      expect(result.made).toBe(120);
      for (const outcome of result.outcomes) expect.soft(notDone).toContain(outcome);
      expect.soft(result.waiting, "threads held").toBeLessThanOrEqual(threads / 2);
      expect.soft(result.sent, "calls that have reached the disk").toBeLessThanOrEqual(threads / 2);
      expectUntouched(result.others);
      expect.soft(result.closing.outcome, "close ends").not.toBe("late");
      expect.soft(result.again.outcome, "the store works again").toBe("2");
      expect.soft(result.doneAllTheSame, "rejected, and done all the same").toBe(0);
    });

    test("of a change that has been sent the outcome is unknown, of what waits for it not", async () => {
      const result = (await ran("sent")) as Sent;
      expect.soft(result.sent.outcome).toBe("KV_OUTCOME_UNKNOWN");
      expect.soft(notDone).toContain(result.behind.outcome);
      expect.soft(["41", ...notDone]).toContain(result.read.outcome);
      // It has one thread, as there is another disk.
      expect.soft(["1", ...notDone]).toContain(result.other.outcome);
      expect.soft(["41", "42"]).toContain(result.value);
    });
  },
);

/** Whether a call is the one by which an operation takes effect. */
function isEffect(directory: string, operation: string, [name = "", ...args]: readonly string[]): boolean {
  if (name !== "rename" && name !== "unlink") return false;
  if (operation === "deleteAll") return args.some((arg) => /\/data\/n\/[^/]+$/.test(arg));
  return args.includes(fileOf(directory, operation));
}

function expectUntouched(others: Readonly<Record<string, Settled>>): void {
  const outcomes = Object.entries(others).map(([name, { outcome }]) => [name, outcome]);
  expect.soft(Object.fromEntries(outcomes), "what has nothing to do with the disk").toEqual({
    "set, disk network": "undefined",
    "increment, disk network": "1",
    "set, disk local": "undefined",
    "increment, disk local": "1",
    stat: "true",
    pbkdf2: "8",
  });
}

async function ran(scenario: string, at: string = newDirectory(parent).path): Promise<unknown> {
  mkdirSync(at);
  const child = spawn(process.execPath, [program, at, scenario, fileOf(join(at, "hung"), "key")], {
    env: { ...process.env, UV_THREADPOOL_SIZE: String(threads) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  await once(child, "close");
  return JSON.parse(printed);
}
