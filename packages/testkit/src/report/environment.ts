import type { Harness } from "../contract/harness.ts";

/** Finds the versions that a report names: of the kit, of core, of Node, and those that the harness names. */
export async function findVersions({ versions }: Harness): Promise<Record<string, string>> {
  const { createRequire } = await import("node:module");
  const require = createRequire(import.meta.url);
  const versionIn = (manifest: string): string => (require(manifest) as { readonly version: string }).version;
  return {
    "@kv/testkit": versionIn("../../package.json"),
    "@kv/core": versionIn("@kv/core/package.json"),
    Node: process.versions.node,
    ...versions,
  };
}

/**
 * Finds the commit of the repository around a folder. A tracked file that is changed makes it end in
 * `-dirty`. Resolves with `undefined` where there is no repository, or no git.
 *
 * @example
 * ```ts
 * import { memoryStore } from "@kv/memory";
 * import { findCommit, prove } from "@kv/testkit";
 *
 * const harness = { name: "memory", capabilities: [], open: () => ({ store: memoryStore() }) };
 * console.log(await prove(harness, { commit: await findCommit(process.cwd()) }));
 * ```
 */
export async function findCommit(folder: string): Promise<string | undefined> {
  const { execFile } = await import("node:child_process");
  const git = (...args: string[]): Promise<string | undefined> =>
    new Promise((resolve) => {
      execFile("git", args, { cwd: folder }, (error, stdout) => {
        resolve(error === null ? stdout.trim() : undefined);
      });
    });
  const commit = await git("rev-parse", "HEAD");
  if (commit === undefined) return undefined;
  return (await git("status", "--porcelain", "--untracked-files=no")) === "" ? commit : `${commit}-dirty`;
}
