// Measures how long the whole contract takes on a memory store, by each test runner and by the kit alone, and writes a
// table into the testkit's README. Run by hand, on a quiet machine: the figures are those of the day.
//
//   node scripts/measure-runners.mjs [ROUNDS]   the median of 3 rounds unless told
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("..", import.meta.url));
const rounds = Number(process.argv[2] ?? "3");
const readme = join(repository, "packages/testkit/README.md");

const harness = `{
  name: "memoryStore",
  capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
  inMemory: true,
  open: () => ({ store: memoryStore() }),
}`;
const suite = (entry) => `
import { memoryStore } from "@kv/memory";
import { testStore } from "@kv/testkit/${entry}";
testStore(${harness});
`;
const alone = `
import { memoryStore } from "@kv/memory";
import { runCases } from "@kv/testkit";
const results = await runCases(${harness});
if (results.some(({ outcome }) => outcome === "failed")) process.exitCode = 1;
`;
const loop = (await readFile(readme, "utf8")).match(/```js\n(import [^`]*?it\.skip.*?)```/s)?.[1] ?? "";

const runners = [
  { runner: "`runCases`, no runner", install: [], text: alone, command: ["store.test.js"] },
  {
    runner: "`node --test`",
    install: [],
    text: suite("node-test"),
    command: ["--test", "store.test.js"],
  },
  ...["3", "4"].map((major) => ({
    runner: "vitest",
    install: [`vitest@${major}`],
    text: suite("vitest"),
    command: ["node_modules/vitest/vitest.mjs", "run"],
  })),
  {
    runner: "jest",
    install: ["jest"],
    text: loop,
    command: ["--experimental-vm-modules", "node_modules/jest/bin/jest.js"],
  },
  {
    runner: "mocha",
    install: ["mocha"],
    text: loop,
    command: ["node_modules/mocha/bin/mocha.js", "store.test.js"],
  },
];

const folder = await mkdtemp(join(tmpdir(), "kv-runners-"));
try {
  const { stdout } = await run(process.execPath, [join(repository, "scripts/pack-packages.mjs"), folder]);
  const tarballs = JSON.parse(stdout)
    .filter(({ name }) => ["@kv/core", "@kv/memory", "@kv/testkit"].includes(name))
    .map(({ tarball }) => tarball);
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const rows = [];
  for (const { runner, install, text, command } of runners) {
    await run("npm", ["install", "--no-audit", "--no-fund", ...tarballs, ...install], { cwd: folder });
    await writeFile(join(folder, "store.test.js"), text);
    const version = install.length === 0 ? process.version.slice(1) : await versionOf(install[0]);
    const seconds = Array.from({ length: rounds }, () => secondsOf(command)).toSorted((a, b) => a - b);
    const median = seconds[Math.floor(rounds / 2)].toFixed(1);
    rows.push(`| ${runner} ${version} | ${median} s |`);
    process.stdout.write(`${runner} ${version}: ${median} s\n`);
  }
  await writeTable(rows);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function versionOf(spec) {
  const name = spec.replace(/(?<=.)@.*/, "");
  const manifest = await readFile(join(folder, "node_modules", name, "package.json"), "utf8");
  return JSON.parse(manifest).version;
}

function secondsOf(command) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const startedMs = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: folder,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return (performance.now() - startedMs) / 1_000;
}

async function writeTable(rows) {
  const date = new Date().toISOString().slice(0, 10);
  const table = [
    "<!-- durations: made by scripts/measure-runners.mjs -->",
    "",
    `The whole contract on a memory store, from the start of the process to its end: the median of ${rounds} on ${date}, Node`,
    `${process.version.slice(1)} on ${cpus().length} cores.`,
    "",
    "| runner | takes |",
    "| --- | ---: |",
    ...rows,
    "",
    "<!-- /durations -->",
  ].join("\n");
  const text = await readFile(readme, "utf8");
  await writeFile(
    readme,
    text.replace(/<!-- durations.*<!-- \/durations -->/s, () => table),
  );
  await run("npx", ["biome", "check", "--write", readme], { cwd: repository });
}
