import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    packed: PackedPackages;
  }
}

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
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}

const repository = new URL("../", import.meta.url).pathname;

/** Before the first test file: builds and packs every published package, with the script that a release packs them with. */
export default async function packOnce(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "kv-packed-"));
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(repository, "scripts/pack-packages.mjs"),
    folder,
  ]);
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
  project.provide("packed", {
    all: packed.map((one) => ({ ...one, internalDependencies: [...new Set(internal(one.name))] })),
    folder,
  });
  return () => rm(folder, { recursive: true, force: true });
}
