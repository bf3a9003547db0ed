import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "../process/run.ts";
import type { ServerKind, ServerRelease } from "../servers/kind.ts";
import { installWithApt, libraryFolders, loaderOf, type Wanted } from "./apt-install.ts";
import { cacheFolder } from "./cache-folder.ts";

/** A server program that runs on this machine. */
export interface ServerBinaries {
  readonly kind: ServerKind;
  /** The path of redis-server or valkey-server. */
  readonly server: string;
  /** What stands before it on the command line: the loader of a libc of its own, or nothing. */
  readonly loader: readonly string[];
  /** What has to be in the environment for it to run. */
  readonly env: Record<string, string>;
  /** Such as `7.0.15`. */
  readonly version: string;
  readonly from: "environment" | "path" | "apt";
}

const OLDEST_MAJOR = 7;

const suites = { redis: "release", valkey: "backports" } as const;

const found = new Map<string, Promise<ServerBinaries>>();

/**
 * Finds a server to run: in the folder that `KV_TEST_REDIS_BIN` or `KV_TEST_VALKEY_BIN` names, else on PATH,
 * else unpacked from the distribution's packages (see `installWithApt`).
 *
 * One on PATH is passed over if it is older than version 7 or the other kind under a borrowed name. Rejects
 * with a sentence that says what to install where none can be had. The newest release always comes from Debian's
 * packages.
 */
export function serverBinaries(kind: ServerKind, release?: ServerRelease): Promise<ServerBinaries> {
  const name = `${kind} ${release}`;
  const known = found.get(name) ?? (release === "newest" ? fetchNewest(kind) : find(kind));
  found.set(name, known);
  return known;
}

/** Unpacks the distribution's server below `cache` and tries whether it runs, whatever is on PATH. */
export async function installedBinaries(
  kind: ServerKind,
  cache: string,
  release?: ServerRelease,
): Promise<ServerBinaries> {
  const isNewest = release === "newest";
  const wanted: Wanted = {
    name: kind,
    suite: isNewest ? "sid" : suites[kind],
    packages: (aptEnv) => packagesOf(kind, aptEnv, isNewest),
  };
  const folder = await installWithApt(wanted, cache);
  const server = join(folder, "usr/bin", `${kind}-server`);
  if (isNewest) return inspect({ kind, server, loader: await loaderOf(folder), env: {}, from: "apt" });
  const env = { LD_LIBRARY_PATH: (await libraryFolders(folder)).join(":") };
  return inspect({ kind, server, loader: [], env, from: "apt" });
}

async function find(kind: ServerKind): Promise<ServerBinaries> {
  const folder = process.env[binFolderVariable(kind)];
  if (folder !== undefined) {
    const server = join(folder, `${kind}-server`);
    return inspect({ kind, server, loader: [], env: {}, from: "environment" });
  }
  const reasons: unknown[] = [];
  for (const place of (process.env["PATH"] ?? "").split(delimiter)) {
    const server = join(place, `${kind}-server`);
    if (place === "" || !existsSync(server)) continue;
    try {
      return await inspect({ kind, server, loader: [], env: {}, from: "path" });
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

async function fetchNewest(kind: ServerKind): Promise<ServerBinaries> {
  try {
    return await installedBinaries(kind, cacheFolder(), "newest");
  } catch (error) {
    throw new Error(
      `This test needs the newest ${kind}-server that Debian packages, which is fetched on Debian only. ` +
        `It could not be fetched: ${String(error).trim()}`,
      { cause: error },
    );
  }
}

/**
 * The server and the libraries it is linked to, and those they are linked to. (The program itself is in the tools'
 * package.) Without libc where that has to be the system's, and without libsystemd0, which apt itself is linked to.
 */
async function packagesOf(
  kind: ServerKind,
  env: Record<string, string>,
  withLibc: boolean,
): Promise<string[]> {
  const packages = new Set([`${kind}-server`, `${kind}-tools`]);
  const ofTheSystem = new Set(withLibc ? [] : ["libc6", "libsystemd0"]);
  // What is added to a set while it is walked is walked too.
  for (const name of packages) {
    const depends = await run("apt-cache", ["depends", name], { env });
    for (const [, library = ""] of depends.matchAll(/^ {2}(?:Pre)?Depends: (z?lib\S+)$/gm)) {
      if (!ofTheSystem.has(library)) packages.add(library);
    }
  }
  return [...packages];
}

async function inspect(binaries: Omit<ServerBinaries, "version">): Promise<ServerBinaries> {
  const { kind, server, loader, env } = binaries;
  const [program, ...args] = [...loader, server, "--version"];
  const said = await run(program, args, { env });
  const [, name = "", version = "", major = ""] = /^(\w+) server v=((\d+)\.\S+)/.exec(said) ?? [];
  if (name.toLowerCase() !== kind || Number(major) < OLDEST_MAJOR) {
    throw new Error(`${server} is no ${kind} of version ${OLDEST_MAJOR} or later: ${said.trim()}`);
  }
  return { ...binaries, version };
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
