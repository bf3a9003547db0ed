import { appendFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "./consumer.ts";

// What a release does to versions, and what is asked of a change, tried out on a copy of this repository.

const limit = { timeout: 300_000 };
const repository = new URL("../../", import.meta.url).pathname;
let copy: string;

const git = (...args: string[]) =>
  run("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...args], { cwd: copy });
const changeset = (...args: string[]) =>
  run(process.execPath, [join(copy, "node_modules/@changesets/cli/bin.js"), ...args], { cwd: copy });

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

async function manifestOf(name: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(copy, "packages", name, "package.json"), "utf8")) as Manifest;
}

async function commit(message: string): Promise<void> {
  await git("add", "--all");
  await git("commit", "--quiet", "--message", message);
}

function writeChangeset(bump: string, ...names: string[]): Promise<void> {
  const lines = names.map((name) => `"@kv/${name}": ${bump}`).join("\n");
  return writeFile(join(copy, ".changeset/a-change.md"), `---\n${lines}\n---\n\nA change.\n`);
}

beforeEach(async () => {
  copy = await mkdtemp(join(tmpdir(), "kv-release-"));
  const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: repository,
    maxBuffer: 2 ** 26,
  });
  for (const file of stdout
    .split("\0")
    .filter((name) => /package\.json$|^pnpm-|^\.changeset\/|\/src\/index\.ts$|README\.md$/.test(name))) {
    await mkdir(dirname(join(copy, file)), { recursive: true });
    await cp(join(repository, file), join(copy, file));
  }
  await symlink(join(repository, "node_modules"), join(copy, "node_modules"));
  await writeFile(join(copy, ".gitignore"), "node_modules\n");
  await git("init", "--quiet", "--initial-branch=main");
  await commit("All of it");
  // As if everything that waits had been released.
  await changeset("version");
  await commit("Version packages");
}, limit.timeout);

afterEach(() => rm(copy, { recursive: true, force: true }));

describe("versions", () => {
  test("a first release gives each package one of its own", limit, async () => {
    for (const name of ["core", "memory", "redis", "cli"]) {
      expect((await manifestOf(name)).version).toBe("0.1.0");
    }
  });

  test.each(["patch", "minor", "major"])(
    "a %s of core, or of a backend, makes a major of no other package",
    limit,
    async (bump) => {
      for (const changed of [["core"], ["resp"], ["redis", "valkey"]]) {
        const majors = async (): Promise<string[]> => {
          const names = ["core", "memory", "resp", "redis", "valkey", "testkit", "cli"];
          const manifests = await Promise.all(names.map(manifestOf));
          return manifests
            .filter(({ version }) => !version.startsWith("0."))
            .map(({ name }) => name.replace("@kv/", ""));
        };
        await writeChangeset(bump, ...changed);
        await changeset("version");
        expect(await majors()).toEqual(bump === "major" ? changed : []);
        await git("checkout", "--quiet", ".");
        await git("clean", "--quiet", "--force", "-d");
      }
    },
  );

  test("what depends on a package that moved is released with it, in a patch", limit, async () => {
    await writeChangeset("minor", "core");
    await changeset("version");
    expect((await manifestOf("core")).version).toBe("0.2.0");
    expect(await manifestOf("memory")).toMatchObject({
      version: "0.1.1",
      dependencies: { "@kv/core": expect.stringMatching(/^workspace:\^/) },
    });
  });
});

describe("a change to a package", () => {
  /** What the check of a pull request says. */
  const check = async (): Promise<{ readonly passes: boolean; readonly printed: string }> => {
    try {
      const { stdout, stderr } = await changeset("status", "--since=main");
      return { passes: true, printed: stdout + stderr };
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return { passes: false, printed: stdout + stderr };
    }
  };

  test("needs a changeset", limit, async () => {
    await git("checkout", "--quiet", "-b", "change");
    await appendFile(join(copy, "packages/memory/src/index.ts"), "// changed\n");
    await commit("Change memory");
    expect(await check()).toEqual({
      passes: false,
      printed: expect.stringContaining("no changesets were found"),
    });

    await writeChangeset("patch", "memory");
    await commit("Say what changes");
    expect(await check()).toMatchObject({ passes: true });
  });

  test("needs none where only tests, or packages that are not published, change", limit, async () => {
    await git("checkout", "--quiet", "-b", "change");
    await mkdir(join(copy, "packages/memory/test"));
    await writeFile(join(copy, "packages/memory/test/a.test.ts"), "// new\n");
    await appendFile(join(copy, "internal/test-servers/src/index.ts"), "// changed\n");
    await commit("Change tests");
    expect(await check()).toMatchObject({ passes: true });
  });
});
