// Builds and packs every package that is published, as a release publishes it, into a folder, and prints what it packed
// as JSON, each package after those that it depends on.
//
//   node scripts/pack-packages.mjs FOLDER [--unreleased]   only versions that the registry does not have yet
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("..", import.meta.url));
const [folder, flag] = process.argv.slice(2);
if (folder === undefined || (flag !== undefined && flag !== "--unreleased")) {
  process.stderr.write("Usage: node scripts/pack-packages.mjs FOLDER [--unreleased]\n");
  process.exit(2);
}

const manifestIn = (path) => JSON.parse(readFileSync(join(repository, path, "package.json"), "utf8"));
const { packageManager } = manifestIn(".");
const pnpm = (...args) =>
  run("npx", ["-y", packageManager, ...args], { cwd: repository, maxBuffer: 2 ** 26 });

const published = readdirSync(join(repository, "packages"))
  .map((name) => manifestIn(join("packages", name)))
  .filter((manifest) => manifest.private !== true);
const released =
  flag === undefined ? [] : await Promise.all(published.map((manifest) => isReleased(manifest)));
const wanted = published.filter((_, at) => !released[at]);

if (wanted.length > 0) await pnpm("run", "build");
const packed = wanted.length === 0 ? [] : await pack(wanted.map(({ name }) => name));
process.stdout.write(`${JSON.stringify(packed, undefined, 2)}\n`);

/** pnpm goes from what is depended on to what depends on it. */
async function pack(names) {
  const filters = names.flatMap((name) => ["--filter", name]);
  const { stdout } = await pnpm(
    "--recursive",
    ...filters,
    "pack",
    "--json",
    "--pack-destination",
    resolve(folder),
  );
  const answer = JSON.parse(stdout);
  const all = Array.isArray(answer) ? answer : [answer];
  return all.map(({ name, version, filename }) => ({ name, version, tarball: filename }));
}

async function isReleased({ name, version }) {
  try {
    const { stdout } = await run("npm", ["view", `${name}@${version}`, "version", "--json"]);
    return stdout.trim() !== ""; // nothing for a version that is not there of a package that is
  } catch (error) {
    if (/"code": "E404"/.test(error.stdout)) return false;
    throw error;
  }
}
