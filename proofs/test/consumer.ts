import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { inject, onTestFinished } from "vitest";
import type { PackedPackage, PackedPackages } from "../pack-once.ts";

export const run = promisify(execFile);

/** What was packed before the tests began. */
export function packed(): PackedPackages {
  return inject("packed");
}

export function packedPackage(name: string): PackedPackage {
  const found = packed().all.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is not among the published packages`);
  return found;
}

/** A project outside the workspace that has installed some of the packed packages, and nothing else; gone after the test. */
export async function consumer(...names: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kv-consumer-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const wanted = new Set(names.flatMap((name) => [name, ...packedPackage(name).internalDependencies]));
  const dependencies = Object.fromEntries(
    [...wanted].map((name) => [name, `file:${packedPackage(name).tarball}`]),
  );
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ private: true, type: "module", dependencies }),
  );
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder });
  return folder;
}
