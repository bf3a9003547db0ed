// Changes the sources of a package in small ways, one at a time, and tells which changes no test notices. Run by hand.
//
//   node scripts/mutation-testing.mjs PACKAGE [STRYKER OPTIONS]   see docs/mutation-testing.md
//
// Stryker is no dependency of the workspace: it is fetched into the cache at first use. It changes files where they
// lie, and so works on a copy of the repository that shares what is installed.
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The newest that runs on Node 20. */
const version = "9.6.1";

/**
 * By package, the tests that are not run in the first pass, by their full name: a change that none of the others notices
 * meets them in the second.
 */
const slowTests = {
  core: undefined,
  memory: /^memoryStore |^however many|^while a store comes|^\w\d a long/,
  "express-rate-limit": /^counts on '(file|redis|valkey)'/,
};

/** The contract once more, by the clock of the machine and in namespaces. */
const repetitions = /^memoryStore (by its own clock|in a (nested )?namespace)/;

/** These count functions, of which Stryker adds some, or start servers and processes that its changes do not reach. */
const leftOut = ["test/cost.test.ts", "test/over-http.test.ts"];

const [name, ...options] = process.argv.slice(2);
if (!Object.hasOwn(slowTests, name ?? "")) {
  process.stderr.write(`Which package? One of ${Object.keys(slowTests).join(", ")}.\n`);
  process.exit(2);
}

const repository = fileURLToPath(new URL("..", import.meta.url));
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "kv-mutation-testing");
const incrementalFile = join(cache, `${name}.incremental.json`);
const stryker = installedStryker();
const copy = mkdtempSync(join(tmpdir(), "kv-mutation-testing-"));
// These reach Stryker too, which ends, and then the copy goes.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => undefined);
try {
  copyRepository();
  for (const slow of [slowTests[name], undefined]) {
    writeFileSync(join(copy, "stryker.vitest.config.ts"), vitestConfig());
    writeFileSync(join(copy, "skip-slow.ts"), setupFile(slow));
    writeFileSync(join(copy, "stryker.config.json"), JSON.stringify(strykerConfig(slow === undefined)));
    const { status } = spawnSync(process.execPath, [stryker, "run", ...options], {
      cwd: copy,
      stdio: "inherit",
      // The same random runs for each change, and fewer.
      env: { KV_TESTKIT_SEED: "1", KV_TESTKIT_RUNS: "10", ...process.env },
    });
    process.exitCode = status ?? 1;
    if (status !== 0) break;
    forgetUntested();
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}

/** The path of its command. */
function installedStryker() {
  // Its runner brings a vitest, and then takes the workspace's.
  const workspace = readFileSync(join(repository, "pnpm-workspace.yaml"), "utf8");
  const vitest = workspace.match(/^ {2}vitest: (\S+)$/m)?.[1];
  const folder = join(cache, `stryker-${version}-vitest-${vitest}`);
  if (!existsSync(folder)) {
    mkdirSync(cache, { recursive: true });
    const staging = mkdtempSync(join(cache, ".staging-"));
    const packages = [
      `@stryker-mutator/core@${version}`,
      `@stryker-mutator/vitest-runner@${version}`,
      `vitest@${vitest}`,
    ];
    execFileSync("npm", ["install", "--prefix", staging, "--no-audit", "--no-fund", ...packages], {
      stdio: "inherit",
      shell: process.platform === "win32",
    });
    renameSync(staging, folder);
  }
  return join(folder, "node_modules/@stryker-mutator/core/bin/stryker.js");
}

function copyRepository() {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: repository,
    encoding: "utf8",
  });
  const links = { recursive: true, verbatimSymlinks: true };
  for (const path of new Set(listed.split("\0"))) {
    if (path !== "" && existsSync(join(repository, path)))
      cpSync(join(repository, path), join(copy, path), links);
  }
  symlinkSync(join(repository, "node_modules"), join(copy, "node_modules"), "junction");
  // In these are links only, to packages of the copy, and by way of the folder above to what is installed.
  for (const parent of ["packages", "internal"]) {
    for (const each of readdirSync(join(repository, parent))) {
      const path = join(parent, each, "node_modules");
      if (existsSync(join(repository, path))) cpSync(join(repository, path), join(copy, path), links);
    }
  }
}

/** The workspace's own, with one project. */
function vitestConfig() {
  return `
    import config from "./vitest.config.ts";

    const project = config.test.projects.find(({ test }) => test.name === ${JSON.stringify(name)});
    project.test.exclude = ${JSON.stringify(leftOut)};
    project.test.setupFiles.push(${JSON.stringify(join(copy, "skip-slow.ts"))});
    config.test.projects = [project];
    export default { ...config, cacheDir: \`.vite-\${process.env.STRYKER_MUTATOR_WORKER}\` };
  `;
}

/** What is skipped covers nothing, and so is run for no change. */
function setupFile(slow) {
  return `
    import { beforeEach } from "vitest";

    const fullName = (task) =>
      task.suite === undefined ? task.name : \`\${fullName(task.suite)} \${task.name}\`;
    beforeEach(({ task, skip }) => {
      const name = fullName(task);
      skip(${repetitions}.test(name) || ${slow}?.test(name) === true);
    });
  `;
}

/**
 * After a run that ended at its first failure, now and then the next one runs none of its tests, or ends with an error of
 * the one before. The next pass tries these changes again.
 */
function forgetUntested() {
  const report = JSON.parse(readFileSync(incrementalFile, "utf8"));
  for (const file of Object.values(report.files)) {
    file.mutants = file.mutants.filter(
      ({ status, testsCompleted, coveredBy }) =>
        status !== "RuntimeError" && (status !== "Survived" || testsCompleted >= coveredBy.length),
    );
  }
  writeFileSync(incrementalFile, JSON.stringify(report));
}

function strykerConfig(isLast) {
  return {
    testRunner: "vitest",
    vitest: { configFile: "stryker.vitest.config.ts", related: false },
    mutate: [`packages/${name}/src/**/*.ts`],
    mutator: { excludedMutations: ["StringLiteral"] },
    inPlace: true,
    coverageAnalysis: "perTest",
    ignoreStatic: true,
    concurrency: 2,
    timeoutMS: 10_000,
    incremental: true,
    incrementalFile,
    reporters: ["progress-append-only", ...(isLast ? ["clear-text", "json"] : [])],
    jsonReporter: { fileName: join(cache, `${name}.json`) },
    clearTextReporter: { allowColor: false, reportTests: false, skipFull: true },
    thresholds: { break: null },
    allowConsoleColors: false,
    checkers: [],
    tempDirName: ".stryker",
  };
}
