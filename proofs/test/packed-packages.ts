import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "vitest";

export const run = promisify(execFile);

const repository = new URL("../../", import.meta.url).pathname;

export interface PackedPackage {
  readonly name: string;
  readonly version: string;
  readonly tarball: string;
  /** The other packages of this repository that it depends on, directly or not. */
  readonly internalDependencies: readonly string[];
}

export interface PackedPackages {
  /** Each package after those that it depends on. */
  readonly all: readonly PackedPackage[];
  /** Where the tarballs are, beside a packed.json that names them. */
  readonly folder: string;
  remove(): Promise<void>;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** For a test file: everything is packed before its tests, and what they install is removed after them. */
export function packedForTests(limitMs: number): {
  packed(): PackedPackages;
  consumer(...names: string[]): Promise<string>;
} {
  let all: PackedPackages | undefined;
  const folders: string[] = [];
  const packed = (): PackedPackages => {
    if (all === undefined) throw new Error("The packages are packed before the tests, not earlier.");
    return all;
  };
  beforeAll(async () => {
    all = await packAll();
  }, limitMs);
  afterAll(async () => {
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    await all?.remove();
  });
  return {
    packed,
    async consumer(...names) {
      const folder = await consumerOf(packed(), ...names);
      folders.push(folder);
      return folder;
    },
  };
}

/** Builds and packs every package that is published, with the script that a release packs them with. */
async function packAll(): Promise<PackedPackages> {
  const folder = await mkdtemp(join(tmpdir(), "kv-packed-"));
  const { stdout } = await run(process.execPath, [join(repository, "scripts/pack-packages.mjs"), folder]);
  await writeFile(join(folder, "packed.json"), stdout);
  const packed = JSON.parse(stdout) as Omit<PackedPackage, "internalDependencies">[];

  const manifests = new Map<string, Manifest>();
  for (const { name } of packed) {
    const source = join(repository, "packages", name.replace("@kv/", ""), "package.json");
    manifests.set(name, JSON.parse(await readFile(source, "utf8")) as Manifest);
  }
  const internal = (name: string): string[] =>
    Object.keys(manifests.get(name)?.dependencies ?? {})
      .filter((dependency) => manifests.has(dependency))
      .flatMap((dependency) => [dependency, ...internal(dependency)]);
  return {
    all: packed.map((one) => ({ ...one, internalDependencies: [...new Set(internal(one.name))] })),
    folder,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A project outside the workspace that has installed some of the packed packages, and nothing else. */
async function consumerOf(packed: PackedPackages, ...names: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kv-consumer-"));
  const wanted = new Set(names.flatMap((name) => [name, ...find(packed, name).internalDependencies]));
  const dependencies = Object.fromEntries(
    [...wanted].map((name) => [name, `file:${find(packed, name).tarball}`]),
  );
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies }),
  );
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder });
  return folder;
}

function find({ all }: PackedPackages, name: string): PackedPackage {
  const found = all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is not among the published packages`);
  return found;
}
