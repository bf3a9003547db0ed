import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { installWithApt, libraryFolders, type Wanted } from "./apt-install.ts";
import { cacheFolder } from "./cache-folder.ts";
import type { ServerKind } from "./kind.ts";
import { run } from "./run.ts";

/** A server program that runs on this machine. */
export interface ServerBinaries {
  readonly kind: ServerKind;
  /** The path of redis-server or valkey-server. */
  readonly server: string;
  /** What has to be in the environment for it to run. */
  readonly env: Record<string, string>;
  /** Such as `7.0.15`. */
  readonly version: string;
  readonly from: "environment" | "path" | "apt";
}

const OLDEST_MAJOR = 7;

const found = new Map<ServerKind, Promise<ServerBinaries>>();

/**
 * Finds a server to run: in the folder that `KV_TEST_REDIS_BIN` or `KV_TEST_VALKEY_BIN` names, else on PATH,
 * else unpacked from the distribution's packages (see `installWithApt`).
 *
 * One on PATH is passed over if it is older than version 7 or the other kind under a borrowed name. Rejects
 * with a sentence that says what to install where none can be had.
 */
export function serverBinaries(kind: ServerKind): Promise<ServerBinaries> {
  const known = found.get(kind) ?? find(kind);
  found.set(kind, known);
  return known;
}

/** Unpacks the distribution's server below `cache` and tries whether it runs, whatever is on PATH. */
export async function installedBinaries(kind: ServerKind, cache: string): Promise<ServerBinaries> {
  const wanted: Wanted = {
    name: kind,
    isInBackports: kind === "valkey",
    packages: (aptEnv) => packagesOf(kind, aptEnv),
  };
  const folder = await installWithApt(wanted, cache);
  const env = { LD_LIBRARY_PATH: (await libraryFolders(folder)).join(":") };
  return inspect(kind, join(folder, "usr/bin", `${kind}-server`), env, "apt");
}

async function find(kind: ServerKind): Promise<ServerBinaries> {
  const folder = process.env[binFolderVariable(kind)];
  if (folder !== undefined) return inspect(kind, join(folder, `${kind}-server`), {}, "environment");
  const reasons: unknown[] = [];
  for (const place of (process.env["PATH"] ?? "").split(delimiter)) {
    const server = join(place, `${kind}-server`);
    if (place === "" || !existsSync(server)) continue;
    try {
      return await inspect(kind, server, {}, "path");
    } catch (error) {
      reasons.push(error);
    }
  }
  try {
    return await installedBinaries(kind, cacheFolder());
  } catch (error) {
    reasons.push(error);
    throw new Error(whatToInstall(kind, reasons), { cause: error });
  }
}

/**
 * The server and the libraries it is linked to. (The program itself is in the tools' package.) Not libc, which
 * has to be the system's, nor libsystemd0, which apt itself is linked to.
 */
async function packagesOf(kind: ServerKind, env: Record<string, string>): Promise<string[]> {
  const named = [`${kind}-server`, `${kind}-tools`];
  const depends = await run("apt-cache", ["depends", ...named], { env });
  const libraries = [...depends.matchAll(/^ {2}Depends: (lib\S+)$/gm)].map(([, name]) => name ?? "");
  const ofTheSystem = new Set(["libc6", "libsystemd0"]);
  return [...new Set([...named, ...libraries.filter((name) => !ofTheSystem.has(name))])];
}

async function inspect(
  kind: ServerKind,
  server: string,
  env: Record<string, string>,
  from: ServerBinaries["from"],
): Promise<ServerBinaries> {
  const said = await run(server, ["--version"], { env });
  const [, name = "", version = "", major = ""] = /^(\w+) server v=((\d+)\.\S+)/.exec(said) ?? [];
  if (name.toLowerCase() !== kind || Number(major) < OLDEST_MAJOR) {
    throw new Error(`${server} is no ${kind} of version ${OLDEST_MAJOR} or later: ${said.trim()}`);
  }
  return { kind, server, env, version, from };
}

function binFolderVariable(kind: ServerKind): string {
  return `KV_TEST_${kind.toUpperCase()}_BIN`;
}

function whatToInstall(kind: ServerKind, reasons: readonly unknown[]): string {
  return (
    `These tests need a ${kind}-server of version ${OLDEST_MAJOR} or later. Install the package that brings it ` +
    `(Debian, Ubuntu: apt-get install ${kind}-server; macOS: brew install ${kind}) so that it is on PATH, or ` +
    `set ${binFolderVariable(kind)} to the folder it is in. ` +
    `It could not be fetched either: ${reasons.map((reason) => String(reason).trim()).join("; ")}`
  );
}
