import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import type { FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { soak } from "@kv/test-support";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { bundled } from "./bundled.ts";
import { newDirectory, newParent } from "./temporary.ts";

// What the testkit tries a few times between two processes, many times: each race until it was met often enough.

const rounds = soak ? 5_000 : 150;

/** An unlink without a lock loses a set in about one of a hundred of these. */
const sweeps = soak ? 1_000 : 40;

const parent = newParent("memory");
let program = "";
beforeAll(async () => {
  program = await bundled("race-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const limit = { timeout: 900_000 };

test.each(["touch", "get with renewFor"])(
  "T3 %s of another process never undoes a set",
  limit,
  async (what) => {
    const { raced, other } = await against(what);
    await untilMet(other, async (count) => {
      await raced.set("key", `${count}`, { expiresIn: "1h" });
      await other.hasEnded();
      expect(await textOf(raced)).toBe(`${count}`);
    });
  },
);

test.each(["touch", "get with renewFor"])(
  "T3 %s of another process brings nothing back",
  limit,
  async (what) => {
    const { raced, other } = await against(what);
    await untilMet(other, async (count) => {
      await raced.set("key", `${count}`, { expiresIn: "1h" });
      expect(await raced.delete("key")).toBe(true);
      await other.hasEnded();
      expect(await textOf(raced)).toBeUndefined();
    });
  },
);

test("T6 deleteExpired of another process never removes what was set anew", limit, async () => {
  const { raced, other } = await against("deleteExpired");
  const keys = Array.from({ length: 40 }, (_, number) => `key ${number}`);
  await untilMet(
    other,
    async (count) => {
      // All expire together, just before they are set anew: the sweep meets them at that moment.
      const expiresIn = { milliseconds: 40 };
      await raced.setMany(
        keys.map((key) => [key, "old"] as const),
        { expiresIn },
      );
      while (await raced.exists("key 39"));
      for (const key of keys) await raced.set(key, `${count} ${key}`, { expiresIn: "1h" });
      await other.hasEnded();
      const values = await raced.getMany(keys);
      expect(values.map((value) => value && Buffer.from(value).toString())).toEqual(
        keys.map((key) => `${count} ${key}`),
      );
    },
    sweeps,
  );
});

test.each(["deleteAll", "deleteAll of all"])(
  "N4 beside %s of another process no writer fails, and nothing old is seen",
  limit,
  async (what) => {
    const { raced, other } = await against(what);
    const seen = { there: 0, gone: 0 };
    let counter = 0;
    await untilMet(other, async (count) => {
      await raced.set("key", `${count}`, { expiresIn: "1h" });
      const found = await textOf(raced);
      if (found === undefined) seen.gone += 1;
      else seen.there += 1;
      expect([`${count}`, undefined]).toContain(found);
      const { value } = await raced.increment("counter");
      expect([counter + 1, 1], "it counts on, or begins anew").toContain(value);
      counter = value;
    });
    expect(seen.there).toBeGreaterThan(0);
    await other.kill();
    await raced.set("key", "after");
    expect(await textOf(raced)).toBe("after");
  },
);

interface Other {
  readonly done: number;
  readonly failures: string;
  /** Resolves when what it had begun by now, on what it read before, is done. */
  hasEnded(): Promise<void>;
  kill(): Promise<void>;
}

/** A store, and another process that does one thing to it without a pause. */
async function against(what: string): Promise<{ raced: FullStore; other: Other }> {
  const options = { directory: newDirectory(parent).path, durability: "none", timeout: "60s" } as const;
  const store = fileStore(options);
  const raced = store.withNamespace("raced");
  await raced.set("key", "0", { expiresIn: "1h" });
  const child = spawn(process.execPath, [program, JSON.stringify(options), what], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const said = { done: 0, failures: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const dots = text.replaceAll(/[^.]/g, "").length;
    if (/[^.]/.test(text)) said.failures += text;
    else said.done += dots;
  });
  const other = {
    get done() {
      return said.done;
    },
    get failures() {
      return said.failures;
    },
    async hasEnded() {
      // What it has said is read later than it is said: only the second from now on was surely begun after this.
      const enough = said.done + said.failures.length + 2;
      while (said.done + said.failures.length < enough) await nextTurn();
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
  onTestFinished(async () => {
    await other.kill();
    await store.deleteExpired();
    await store.close();
    for (const name of ["locks", "owners", "trash"]) {
      expect(readdirSync(`${options.directory}/${name}`), `${name} after the other was killed`).toEqual([]);
    }
  });
  return { raced, other };
}

/** Goes on until both have done it often enough, beside each other. */
async function untilMet(
  other: Other,
  round: (count: number) => Promise<void>,
  times: number = rounds,
): Promise<void> {
  const untilMs = performance.now() + 600_000;
  for (let count = 1; count <= times || other.done < times; count += 1) {
    await round(count);
    if (count % 20 === 0) await nextTurn(); // what the other has said is read
    expect(other.failures).toBe("");
    expect(performance.now(), `after ${count} rounds the other has done ${other.done}`).toBeLessThan(untilMs);
  }
  if (soak) {
    // oxlint-disable-next-line no-console -- the result of a soak is to be written down
    console.info(`races: ${expect.getState().currentTestName}: at least ${times} beside ${other.done}`);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function textOf(store: FullStore): Promise<string | undefined> {
  const value = await store.get("key");
  return value && Buffer.from(value).toString();
}
