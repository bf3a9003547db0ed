// Runs the tests of the packages that have changed, and of those that depend on them, also by way of others: the
// quick answer before the whole. Packages that only test with a changed one wait for the whole.
//
//   node scripts/test-changed.mjs [SINCE]   origin/main without one
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

const repository = fileURLToPath(new URL("..", import.meta.url));
const { packageManager } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const since = process.argv[2] ?? "origin/main";
const pnpm = (...args) =>
  execFileSync("npx", ["-y", packageManager, ...args], { cwd: repository, encoding: "utf8" });

const listed = pnpm("list", "--recursive", "--depth=-1", "--json", `--filter-prod=...[${since}]`);
const projects = JSON.parse(listed || "[]")
  .filter(({ path }) => path !== repository.replace(/[/\\]$/, ""))
  .map(({ path }) => basename(path));

if (projects.length === 0) process.stdout.write(`No package has changed since ${since}.\n`);
else {
  process.stdout.write(`Changed since ${since}, or on top of what has: ${projects.join(", ")}\n`);
  const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
  const chosen = projects.flatMap((name) => ["--project", name]);
  const { status } = spawnSync(process.execPath, [vitest, "run", "--passWithNoTests", ...chosen], {
    cwd: repository,
    stdio: "inherit",
  });
  process.exitCode = status ?? 1;
}
