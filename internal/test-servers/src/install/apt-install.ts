import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../process/has-code.ts";
import { run } from "../process/run.ts";
import { guardian } from "../servers/guardian.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const NETWORK_WITHIN_MS = 180_000;

/** What is to be unpacked from the distribution's packages. */
export interface Wanted {
  /** What its folder in the cache is called, beside release and architecture. */
  readonly name: string;
  /** Where it is packaged: in the release of this machine, also in its backports, or where later releases are made. */
  readonly suite: "release" | "backports" | "sid";
  /** Names the packages, by asking apt in an environment that makes it read the lists that were fetched. */
  packages(env: Record<string, string>): Promise<readonly string[]>;
}

/**
 * Puts packages of the distribution's own into a folder below `cache` and resolves to that folder, immediately if it
 * is there already.
 *
 * Works on Debian, as any user, and leaves the system as it is: apt-get gets a state of its own, and the
 * packages are unpacked, not installed. Several processes may do it concurrently: each makes a whole copy and
 * the first to rename it into place wins. Rejects with the failed step's error.
 */
export async function installWithApt(wanted: Wanted, cache: string): Promise<string> {
  const release = await debianRelease();
  const folder = join(cache, `${wanted.name}-${wanted.suite === "sid" ? "sid" : release}-${process.arch}`);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const staging = await mkdtemp(join(cache, ".staging-"));
  guardian().watchFolder(staging);
  try {
    const env = { APT_CONFIG: await writeAptConfig(staging, await sourceLines(wanted, release)) };
    await run("apt-get", ["update", "-qq"], { env, withinMs: NETWORK_WITHIN_MS });
    const packages = await wanted.packages(env);
    const debs = join(staging, "debs");
    await mkdir(debs);
    await run("apt-get", ["download", "-qq", ...packages], { cwd: debs, env, withinMs: NETWORK_WITHIN_MS });
    const tree = join(staging, "tree");
    for (const deb of await readdir(debs)) {
      await run("dpkg-deb", ["-x", join(debs, deb), tree], { withinMs: NETWORK_WITHIN_MS });
    }
    await moveIntoPlace(tree, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
    guardian().forgetFolder(staging);
  }
  return folder;
}

/** The folders with shared libraries in what `installWithApt` made, for `LD_LIBRARY_PATH`. */
export async function libraryFolders(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const lib of [join(folder, "usr/lib"), join(folder, "lib")]) {
    if (!existsSync(lib)) continue;
    const triplets = (await readdir(lib)).filter((name) => name.includes("-linux-"));
    found.push(...triplets.map((name) => join(lib, name)));
  }
  return found;
}

/**
 * What a command line begins with that runs a program of such a folder with the libc that is there too: that libc's
 * loader, since a loader works with no other libc than its own.
 */
export async function loaderOf(folder: string): Promise<string[]> {
  const libraries = await libraryFolders(folder);
  for (const library of libraries) {
    const loader = (await readdir(library)).find((name) => name.startsWith("ld-linux"));
    if (loader !== undefined) return [join(library, loader), "--library-path", libraries.join(":")];
  }
  throw new Error(`There is no loader in ${folder}`);
}

async function debianRelease(): Promise<string> {
  const text = existsSync("/etc/os-release") ? await readFile("/etc/os-release", "utf8") : "";
  const codename = /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1];
  if (!/^ID=debian$/m.test(text) || codename === undefined)
    throw new Error("This is not a release of Debian");
  return codename;
}

/** The lines of a sources.list: the mirror that this machine uses already, and the suites that are wanted of it. */
async function sourceLines({ suite }: Wanted, release: string): Promise<string[]> {
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = await run("apt-get", [
    "indextargets",
    "--no-release-info",
    "--format",
    format,
    "Created-By: Packages",
  ]);
  const [mirror] =
    targets
      .split("\n")
      .find((line) => line.endsWith(` ${release} main`))
      ?.split(" ") ?? [];
  if (mirror === undefined) throw new Error(`apt knows no mirror for ${release}`);
  const signedBy = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : "";
  const suites = { release: [release], backports: [release, `${release}-backports`], sid: ["sid"] };
  return suites[suite].map((name) => `deb ${signedBy}${mirror} ${name} main\n`);
}

/**
 * An apt configuration that reads and writes below `staging` only. Of the machine's own it keeps how to
 * reach the mirror (proxies, credentials), and drops the hooks that would run after an update.
 */
async function writeAptConfig(staging: string, sources: readonly string[]): Promise<string> {
  const apt = join(staging, "apt");
  await mkdir(join(apt, "state/lists/partial"), { recursive: true });
  await mkdir(join(apt, "cache/archives/partial"), { recursive: true });
  await writeFile(join(apt, "status"), "");
  await writeFile(join(apt, "sources.list"), sources);
  const system = (await run("apt-config", ["dump"])).split("\n");
  const reach = system.filter((line) => /^Acquire::(?!IndexTargets|CompressionTypes)/.test(line));
  const file = join(apt, "apt.conf");
  await writeFile(
    file,
    [
      ...reach,
      'Acquire::Languages "none";',
      'Acquire::Retries "3";',
      'APT::Sandbox::User "";',
      `Dir::State "${apt}/state";`,
      `Dir::State::status "${apt}/status";`,
      `Dir::Cache "${apt}/cache";`,
      `Dir::Etc::sourcelist "${apt}/sources.list";`,
      'Dir::Etc::sourceparts "/dev/null";',
      'Dir::Etc::parts "/dev/null";',
      'Dir::Etc::main "/dev/null";',
      "",
    ].join("\n"),
  );
  return file;
}

async function moveIntoPlace(tree: string, folder: string): Promise<void> {
  try {
    await rename(tree, folder);
  } catch (error) {
    // Another process was first: its copy is as good as ours.
    if (!hasCode(error, "ENOTEMPTY", "EEXIST")) throw error;
  }
}
