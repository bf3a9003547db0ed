import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ProofReport } from "@kv/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runText } from "./run.ts";

const limit = { timeout: 300_000 };
// The process runs in a folder from which it cannot be found.
const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const memory = new URL("harnesses/memory.ts", import.meta.url).pathname;
const keepsExpiry = new URL("harnesses/keeps-expiry.ts", import.meta.url).pathname;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kv-prove-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a module into the folder. */
function written(name: string, code: string): string {
  const path = join(folder, name);
  writeFileSync(path, code);
  return path;
}

/** Runs the command as a process. */
function kvProcess(
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const main = new URL("../src/main.ts", import.meta.url).pathname;
  const node = ["--conditions=@kv/source", "--import", tsx, ...nodeOptions, main];
  return new Promise((resolve) => {
    execFile(process.execPath, [...node, ...args], { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("kv prove", () => {
  test("writes a report, says what is proved and what not, and ends with 0", limit, async () => {
    const out = join(folder, "right");
    const { code, stdout, stderr } = await runText(
      ["prove", memory, "--out", out, "--seed", "7", "--runs", "3", "--rule", "T4", "--rule", "L4"],
      { tty: true },
    );
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "not proven: L4: the harness has no untouched()",
        "",
        "memoryStore: 1 of 35 rules proved, 34 not proven, none broken.",
        `The report: ${join(out, "memory-store.md")}, with a .json and a badge in .svg beside it`,
        `The same again: npx kv prove ${memory} --seed 7 --runs 3 --rule T4 --rule L4`,
        "",
      ].join("\n"),
    );
    expect(stderr).toMatch(/memoryStore: (\d+) of \1 cases tried, none failed\n$/);
    expect(readdirSync(out)).toEqual(["memory-store.json", "memory-store.md", "memory-store.svg"]);
    const report = JSON.parse(readFileSync(join(out, "memory-store.json"), "utf8")) as ProofReport;
    expect(report).toMatchObject({ name: "memoryStore", seed: 7, runs: 3, totals: { proved: 1, broken: 0 } });
    expect(readFileSync(join(out, "memory-store.md"), "utf8")).toContain("--rule T4 --rule L4\n```\n");
  });

  test("answers in JSON with the report", limit, async () => {
    const out = join(folder, "json");
    const { code, stdout, stderr } = await runText(["prove", memory, "--json", "--rule", "R2", "--out", out]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(join(out, "memory-store.json"), "utf8")));
  });

  test("as a process ends with 1 for a broken store, whatever the store leaves open", limit, async () => {
    const args = ["prove", keepsExpiry, "--runs", "3", "--rule", "T2", "--rule", "S2"];
    const { code, stdout, stderr } = await kvProcess(args);
    expect(stderr).toBe("closed\n");
    expect(code).toBe(1);
    expect(stdout).toContain(
      "T2 set without options removes the expiry (at the root)\nrule T2: `set` without",
    );
    expect(stdout).toContain('  store.set("key", "second", undefined) → undefined\n');
    expect(stdout).toMatch(/^keepsExpiry: 0 of 35 rules proved, .*, 1 broken: T2\.$/m);
    expect(stdout).toContain("The report: kv-reports/keeps-expiry.md, ");
    const page = readFileSync(join(folder, "kv-reports/keeps-expiry.md"), "utf8");
    expect(page).toContain("Tested is Keeper 1.2.3, through an adapter.");
    expect(page).toContain("a key that is overwritten keeps its ttl |");
  });

  test("says what to install where there is no testkit, which no other command loads", limit, async () => {
    const hook = `export async function resolve(specifier, context, next) {
      if (!specifier.startsWith("@kv/testkit")) return next(specifier, context);
      throw Object.assign(new Error("Cannot find package '@kv/testkit' imported from here"), { code: "ERR_MODULE_NOT_FOUND" });
    }`;
    const without = written(
      "without-testkit.mjs",
      `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`,
    );
    const { code, stdout, stderr } = await kvProcess(["prove", memory], ["--import", without]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^kv: kv prove needs @kv\/testkit, .* npm install --save-dev @kv\/testkit .*\n$/);
    mkdirSync(join(folder, "data"));
    expect(await kvProcess(["keys", "file:./data"], ["--import", without])).toMatchObject({ code: 0 });
  });

  test.each([
    ["no-harness.mjs", "export const harness = {};", "exports no harness: name is missing, "],
    [
      "nothing.mjs",
      "export default () => {};",
      "exports no harness: name is missing, capabilities is missing",
    ],
    [
      "about.mjs",
      `export default { name: "x", capabilities: [], open() {} }; export const about = { name: "y" }; export const close = 1;`,
      "exports no harness: about.version is missing, close is no function. Its default export must be a harness",
    ],
    [
      "throws.mjs",
      `throw new Error("no server here");`,
      "cannot be imported. Error: no server here\n    at ",
    ],
    ["lost.mjs", `import "no-such-package";`, "no-such-package"],
    ["types.ts", `throw new Error("x");`, "TypeScript needs Node 22.18 or later (this is "],
  ])("%s, which is no harness module, ends with 2", async (name, code, message) => {
    const path = written(name, code);
    const outcome = await runText(["prove", path]);
    expect(outcome.stderr).toContain(`kv: ${path} `);
    expect(outcome.stderr).toContain(message);
    expect(outcome).toMatchObject({ code: 2, stdout: "" });
  });

  test("a harness whose function fails is a failure, with its stack", async () => {
    const path = written("fails.mjs", `export default async () => { throw new Error("no server here"); };`);
    const { code, stderr } = await runText(["prove", path]);
    expect(stderr).toMatch(/^kv: Error: no server here\n {4}at .*fails\.mjs/);
    expect(code).toBe(3);
  });

  test.each([
    [["prove"], "prove takes HARNESS, and none was given: HARNESS missing. See kv prove --help."],
    [["prove", "./no-such-file.js"], "There is no file "],
    [["prove", memory, "--seed", "x"], '--seed must be an integer from 0 on, not "x".'],
    [["prove", memory, "--runs", "0"], '--runs must be an integer from 1 on, not "0".'],
    [["prove", memory, "--rule", "T9"], 'The contract has no rule "T9". Its rules are capabilities, S1, '],
    [["prove", memory, "--rule", "t2"], 'The contract has no rule "t2". Did you mean "T2"?'],
    [["prove", memory, "--timeout", "1s"], 'prove has no option "--timeout".'],
  ])("%j ends with 2 and says what is wrong", async (args, message) => {
    const { code, stdout, stderr } = await runText(args);
    expect(stderr).toContain(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(2); // one line, and no stack
  });
});
