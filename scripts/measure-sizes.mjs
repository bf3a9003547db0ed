// Measures what installing each published package brings, and what importing it costs in a fresh process, beside its
// peers, and writes a table into its README. Run by hand: the figures are those of the day and the machine.
//
//   node scripts/measure-sizes.mjs [ROUNDS] [NAME...]   21 rounds and all packages unless told
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const repository = fileURLToPath(new URL("..", import.meta.url));
const [roundsText = "21", ...only] = process.argv.slice(2);
const rounds = Number(roundsText);
const workspace = await readFile(join(repository, "pnpm-workspace.yaml"), "utf8");

/** What does the same job: how it is named, what is installed, and what a program imports. */
const peers = {
  memory: [
    peer("Keyv", ["keyv"], ["keyv"]),
    peer("unstorage", ["unstorage"], ["unstorage", "unstorage/drivers/memory"]),
    peer("cache-manager", ["cache-manager"], ["cache-manager"]),
    peer("bentocache", ["bentocache"], ["bentocache", "bentocache/drivers/memory"]),
  ],
  file: [
    peer("Keyv, keyv-file", ["keyv", "keyv-file"], ["keyv", "keyv-file"]),
    peer("unstorage, fs", ["unstorage"], ["unstorage", "unstorage/drivers/fs"]),
    peer("bentocache, file", ["bentocache"], ["bentocache", "bentocache/drivers/file"]),
  ],
  redis: [
    peer("Keyv, @keyv/redis", ["keyv", "@keyv/redis"], ["keyv", "@keyv/redis"]),
    peer("unstorage, ioredis", ["unstorage", "ioredis@5"], ["unstorage", "unstorage/drivers/redis"]),
    peer("bentocache, ioredis", ["bentocache", "ioredis@5"], ["bentocache", "bentocache/drivers/redis"]),
  ],
  "express-session": [
    peer(
      "connect-redis, with its peer redis, not imported",
      ["connect-redis@9", "redis@5", "express-session"],
      ["connect-redis", "express-session"],
    ),
  ],
  "express-rate-limit": [peer("rate-limit-redis", ["rate-limit-redis@4"], ["rate-limit-redis"])],
  valkey: [peer("Keyv, @keyv/valkey", ["keyv", "@keyv/valkey"], ["keyv", "@keyv/valkey"])],
};

/** What ours cannot be imported without, and a program has anyway. */
const frameworks = { "express-session": ["express-session"], hono: ["hono"], keyv: ["keyv"] };

/** What is loaded by the first call, and by a peer at once. */
const clients = { redis: "ioredis", valkey: "iovalkey" };

const folder = await mkdtemp(join(tmpdir(), "kv-sizes-"));
try {
  const { stdout } = await run(process.execPath, [join(repository, "scripts/pack-packages.mjs"), folder]);
  const packed = JSON.parse(stdout);
  for (const { name } of packed) {
    const short = name.replace("@kv/", "");
    if (only.length > 0 && !only.includes(short)) continue;
    const framework = frameworks[short] ?? [];
    const install = [...tarballsOf(packed, name), ...framework.map((one) => withVersion(one))];
    const ours = [{ label: `**${name}**`, install, imports: [name] }];
    const client = clients[short];
    if (client !== undefined) {
      ours.push({
        label: "the same, and the client that the first call loads",
        install,
        imports: [name, client],
      });
    }
    const subjects = await Promise.all(
      [...ours, ...(peers[short] ?? [])].map(async (subject, at) => ({
        ...subject,
        ...(await installed(join(folder, `${short}-${at}`), subject.install)),
      })),
    );
    await measureImports(subjects);
    await writeTable(join(repository, "packages", short, "README.md"), subjects);
    process.stdout.write(`${name}: ${subjects.map(({ label, ms }) => `${label} ${ms}`).join(", ")}\n`);
  }
  await run("npx", ["biome", "format", "--write", "packages/*/README.md"], { cwd: repository, shell: true });
} finally {
  await rm(folder, { recursive: true, force: true });
}

function peer(label, names, imports) {
  return { label, install: names.map((name) => withVersion(name)), imports };
}

/** The version that the workspace names, but for a range that is given. */
function withVersion(name) {
  if (name.lastIndexOf("@") > 0) return name;
  const version = workspace.match(new RegExp(`^  "?${name}"?: (\\S+)$`, "m"))?.[1];
  if (version === undefined) throw new Error(`pnpm-workspace.yaml names no version of ${name}`);
  return `${name}@${version}`;
}

/** Its tarball and those of the other packages of this repository that it depends on. */
function tarballsOf(packed, name) {
  const names = new Set([name]);
  for (const each of names) {
    const path = join(repository, "packages", each.replace("@kv/", ""), "package.json");
    const { dependencies = {}, peerDependencies = {} } = JSON.parse(readFileSync(path, "utf8"));
    for (const other of Object.keys({ ...dependencies, ...peerDependencies })) {
      if (packed.some((one) => one.name === other)) names.add(other);
    }
  }
  return [...names].map((each) => packed.find((one) => one.name === each).tarball);
}

/** Installs into a project of its own, without optional peers, and adds up what is there. */
async function installed(project, install) {
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...install], { cwd: project });
  const lock = JSON.parse(await readFile(join(project, "package-lock.json"), "utf8"));
  const bytes = await bytesIn(join(project, "node_modules"));
  return { project, packages: Object.keys(lock.packages).length - 1, bytes };
}

async function bytesIn(path) {
  const entries = await readdir(path, { recursive: true });
  const stats = await Promise.all(entries.map((entry) => lstat(join(path, entry))));
  return stats.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

/**
 * The processor's time, which other programs disturb less than the clock's. In turn, so that a busy moment of the
 * machine falls on all; the first round only warms the disk.
 */
async function measureImports(subjects) {
  const times = subjects.map(() => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [at, { project, imports }] of subjects.entries()) {
      const loads = imports.map((name) => `await import(${JSON.stringify(name)});`).join(" ");
      const code = `const before = process.cpuUsage(); ${loads}
        const { user, system } = process.cpuUsage(before); process.stdout.write(String((user + system) / 1_000));`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code], {
        cwd: project,
      });
      if (round > 0) times[at].push(Number(stdout));
    }
  }
  for (const [at, subject] of subjects.entries()) subject.ms = median(times[at]).toFixed(1);
}

function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Between two marks, at the end of the README the first time. */
async function writeTable(path, subjects) {
  const rows = subjects.map(({ label, bytes, packages, ms }) => {
    const times = (Number(ms) / Number(subjects[0].ms)).toFixed(1);
    return `| ${label} | ${Math.round(bytes / 1024)} KiB | ${packages} | ${ms} ms | ${times} |`;
  });
  const table = [
    "<!-- sizes: made by scripts/measure-sizes.mjs -->",
    "",
    "## Size",
    "",
    `What \`npm install\` brings, all dependencies included, and what importing costs in a fresh process: the processor's time, the median of ${rounds} rounds (Node ${process.versions.node.split(".")[0]}).`,
    "",
    "| | installed | packages | import | beside ours |",
    "| --- | --: | --: | --: | --: |",
    ...rows,
    "",
    "<!-- /sizes -->",
  ].join("\n");
  const readme = await readFile(path, "utf8");
  const marked = /<!-- sizes: .*?<!-- \/sizes -->/s;
  const next = marked.test(readme)
    ? readme.replace(marked, () => table)
    : `${readme.trimEnd()}\n\n${table}\n`;
  await writeFile(path, next);
}
