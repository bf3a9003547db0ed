// Holds the committed reports of our backends, docs/proofs, to those that the last run of the tests has written into
// reports: none may promise more of a rule than was just proved. Dates, numbers and seeds are each run's own.
//
//   node scripts/check-reports.mjs [--write | --clear]   --write takes over what was just proved, --clear forgets the last run
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const repository = new URL("../", import.meta.url);
const fresh = new URL("reports/", repository);
const committed = new URL("docs/proofs/", repository);
const { packageManager } = JSON.parse(readFileSync(new URL("package.json", repository), "utf8"));

/** The backends, and what testStore calls the files of the report that stands for each. */
const backends = {
  memory: "memory-store",
  file: "file-store",
  redis: "redis-store-url",
  valkey: "valkey-store-client-cluster-iovalkey",
};
const ranks = ["broken", "not proven", "proved in part", "proved"];

if (process.argv.includes("--clear")) {
  rmSync(fresh, { recursive: true, force: true });
} else {
  const wrong = Object.entries(backends).flatMap(([backend, file]) => complaints(backend, file));
  if (process.argv.includes("--write")) write(wrong);
  else if (wrong.length > 0) {
    process.stderr.write(
      `${wrong.join("\n")}\nIf a rule is no longer proved, mend the backend or its harness. If that is meant, run \`npx -y ${packageManager} ` +
        "reports` after the tests, commit docs/proofs and say in the pull request why.\n",
    );
    process.exitCode = 1;
  }
}

function complaints(backend, file) {
  const now = reportAt(new URL(`${file}.json`, fresh));
  const then = reportAt(new URL(`${backend}.json`, committed));
  if (now === undefined) {
    return [
      `reports/${file}.json is missing: the contract tests of @kv/${backend} did not run to their end.`,
    ];
  }
  if (then === undefined) return [`docs/proofs/${backend}.json is missing.`];
  const verdicts = new Map(now.rules.map(({ rule, verdict }) => [rule, verdict]));
  return then.rules
    .filter(({ rule, verdict }) => ranks.indexOf(verdicts.get(rule)) < ranks.indexOf(verdict))
    .map(
      ({ rule, verdict }) =>
        `docs/proofs/${backend}.json says that ${rule} is ${verdict}. The tests just now: ${verdicts.get(rule) ?? "no such rule"}.`,
    );
}

function reportAt(url) {
  return existsSync(url) ? JSON.parse(readFileSync(url, "utf8")) : undefined;
}

function write(wrong) {
  const missing = Object.entries(backends).filter(([, file]) => !existsSync(new URL(`${file}.json`, fresh)));
  if (missing.length > 0) {
    const names = missing.map(([backend]) => backend).join(", ");
    process.stderr.write(
      `Run \`npx -y ${packageManager} test\` first: there is no fresh report of ${names}.\n`,
    );
    process.exitCode = 1;
    return;
  }
  mkdirSync(committed, { recursive: true });
  for (const [backend, file] of Object.entries(backends)) {
    for (const extension of ["json", "md", "svg"]) {
      copyFileSync(new URL(`${file}.${extension}`, fresh), new URL(`${backend}.${extension}`, committed));
    }
  }
  const biome = fileURLToPath(new URL("node_modules/@biomejs/biome/bin/biome", repository));
  const folder = fileURLToPath(committed);
  const { status } = spawnSync(process.execPath, [biome, "check", "--write", folder], { stdio: "inherit" });
  process.stdout.write(wrong.map((line) => `Less than before: ${line}\n`).join(""));
  process.exitCode = status ?? 1;
}
