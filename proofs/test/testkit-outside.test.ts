import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { consumer, run } from "./consumer.ts";

// A backend of somebody else's, in a project of its own, held against the packed testkit: once right, once broken.

const limit = { timeout: 300_000 };

/** The page of code that such a backend takes. It is broken where BREAK says so: `exists` does not look at the time. */
const backend = `
import { createStore } from "@kv/core/driver";

export function mapStore() {
  const entries = new Map();
  const find = (key) => {
    const entry = entries.get(key);
    return entry !== undefined && entry.endMs <= performance.now() ? undefined : entry;
  };
  const endOf = (expiry, old) =>
    expiry === "keep" ? (old?.endMs ?? Infinity) : performance.now() + expiry;
  const renew = (entry, forMs) => {
    if (entry !== undefined && entry.endMs !== Infinity) entry.endMs = performance.now() + forMs;
    return entry;
  };
  return createStore({
    label: "map",
    root: {
      get: (key) => find(key)?.bytes,
      getAndRenew: (key, forMs) => renew(find(key), forMs)?.bytes,
      set(key, value, expiry) {
        entries.set(key, { bytes: Buffer.from(value), endMs: endOf(expiry, find(key)) });
      },
      touch: (key, forMs) => renew(find(key), forMs) !== undefined,
      delete: (key) => find(key) !== undefined && entries.delete(key),
      exists: (key) => (process.env.BREAK ? entries.has(key) : find(key) !== undefined),
      expiresInMs(key) {
        const entry = find(key);
        return entry && entry.endMs - performance.now();
      },
      deleteAll: () => entries.clear(),
    },
  });
}
`;

const suite = (entry: string): string => `
import { testStore } from "@kv/testkit/${entry}";
import { mapStore } from "./map-store.js";

testStore({ name: "mapStore", capabilities: [], inMemory: true, open: () => ({ store: mapStore() }) });
`;

const readme = await readFile(new URL("../../packages/testkit/README.md", import.meta.url), "utf8");

/** The loop for jest and mocha that the README shows, around this store. */
const loop = (readme.match(/```js\n(import [^`]*?it\.skip.*?)```/s)?.[1] ?? "")
  .replace('"@kv/memory"', '"./map-store.js"')
  .replaceAll("memoryStore", "mapStore")
  .replace(/capabilities: \[.*\]/, "capabilities: []");

const brokenCase = "T1 an expired entry is gone for exists";

async function project(entry: string): Promise<string> {
  const folder = await consumer("@kv/testkit");
  await writeFile(join(folder, "map-store.js"), backend);
  const text = entry === "jest" || entry === "mocha" ? loop : suite(entry);
  await writeFile(join(folder, "map-store.test.js"), text);
  return folder;
}

/** What a command prints, and how it ends, with the backend right or broken. */
async function outcomeOf(
  args: readonly string[],
  folder: string,
  broken: boolean,
): Promise<{ readonly ended: number; readonly printed: string }> {
  const { NODE_TEST_CONTEXT: _, VITEST: __, BREAK: ___, ...inherited } = process.env;
  const env = broken ? { ...inherited, BREAK: "exists" } : inherited;
  try {
    const { stdout, stderr } = await run(process.execPath, [...args], {
      cwd: folder,
      env,
      maxBuffer: 2 ** 26,
    });
    return { ended: 0, printed: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { ended: code, printed: stdout + stderr };
  }
}

const majors = Number(process.versions.node.split(".")[0]) >= 22 ? ["3", "4", "5"] : ["3", "4"];

describe("a backend of somebody else's", () => {
  test.each(majors)("is held against the contract by vitest %s", limit, async (major) => {
    const folder = await project("vitest");
    await run("npm", ["install", "--no-audit", "--no-fund", `vitest@${major}`], { cwd: folder });
    const installed = await readFile(join(folder, "node_modules/vitest/package.json"), "utf8");
    expect(JSON.parse(installed)).toMatchObject({
      version: expect.stringMatching(new RegExp(`^${major}\\.`)),
    });

    const command = ["node_modules/vitest/vitest.mjs", "run"];
    const right = await outcomeOf(command, folder, false);
    expect(right.printed).toContain("L4: the harness has no untouched()");
    expect(right.ended, right.printed).toBe(0);

    const broken = await outcomeOf(command, folder, true);
    expect(broken.printed).toContain(brokenCase);
    expect(broken.printed).toContain(
      "rule T1: An entry set with `expiresIn` is there before that time is over",
    );
    expect(broken.ended).toBe(1);
  });

  test.each([
    { runner: "jest", command: ["--experimental-vm-modules", "node_modules/jest/bin/jest.js"] },
    { runner: "mocha", command: ["node_modules/mocha/bin/mocha.js", "map-store.test.js"] },
  ])(
    "is held against the contract by the README's loop under $runner",
    limit,
    async ({ runner, command }) => {
      const folder = await project(runner);
      await run("npm", ["install", "--no-audit", "--no-fund", runner], { cwd: folder });

      const right = await outcomeOf(command, folder, false);
      expect(right.ended, right.printed).toBe(0);
      // Not proven, and so not among those that passed.
      expect(right.printed).toMatch(/(?:[1-9]\d* skipped|[1-9]\d* pending)/);

      const broken = await outcomeOf(command, folder, true);
      expect(broken.printed).toContain(brokenCase);
      expect(broken.printed).toContain(
        "rule T1: An entry set with `expiresIn` is there before that time is over",
      );
      expect(broken.ended).toBeGreaterThan(0);
    },
  );

  test("is held against the contract by node:test, without vitest", limit, async () => {
    const folder = await project("node-test");
    const command = ["--test", "--test-reporter=tap", "map-store.test.js"];
    const right = await outcomeOf(command, folder, false);
    expect(right.printed).toContain("not proven: L4: the harness has no untouched()");
    expect(right.ended, right.printed).toBe(0);

    const broken = await outcomeOf(command, folder, true);
    expect(broken.printed).toMatch(new RegExp(`not ok \\d+ - ${brokenCase}`));
    expect(broken.ended).toBe(1);
  });
});
