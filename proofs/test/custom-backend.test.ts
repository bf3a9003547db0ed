import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packedPackage, run } from "./consumer.ts";

// The project that docs/write-a-backend.md goes through, as somebody else has it: installed from tarballs.

const limit = { timeout: 300_000 };
const repository = new URL("../../", import.meta.url).pathname;
const example = join(repository, "examples/custom-backend");

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

interface CommandResult {
  readonly ended: number;
  readonly printed: string;
}

const sources = ["src", "test", "first-draft"];
const page = await readFile(join(repository, "docs/write-a-backend.md"), "utf8");
const manifest = await manifestIn(example);

describe("the page on how to write a backend", () => {
  const blocks = [...page.matchAll(/^(?:`([^`\n]+)`[^\n]*:\n\n)?```(ts|json|sql)\n(.*?)^```$/gms)].map(
    ([, file, , code = ""]) => ({ file, code }),
  );
  test("says of each block of code which file it is in, and shows it as it is there", async () => {
    expect(blocks.length).toBeGreaterThan(8);
    for (const { file, code } of blocks) {
      expect(file, `the block that begins with ${code.split("\n")[0]}`).toBeDefined();
      const whole = await readFile(join(example, file ?? ""), "utf8");
      expect(inOneLine(whole)).toContain(inOneLine(code)); // what is shown alone is indented less
    }
  });

  test("shows every file as a whole, so that nothing else is needed", async () => {
    const shown = blocks.map(({ code }) => inOneLine(code));
    for (const file of ["package.json", "tsconfig.json", ...(await filesIn(sources))]) {
      expect(shown, file).toContain(inOneLine(await readFile(join(example, file), "utf8")));
    }
  });

  test("gives no command that the project does not have", () => {
    const commands = [...page.matchAll(/^npm (?:run )?([\w-]+)/gm)].map(([, command = ""]) => command);
    expect(commands).toContain("test");
    for (const command of commands) expect(["install", ...Object.keys(manifest.scripts)]).toContain(command);
  });
});

describe("the custom backend", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "kv-custom-backend-"));
    await cp(example, folder, {
      recursive: true,
      filter: (source) => !source.includes("node_modules"),
    });
    for (const dependencies of [manifest.dependencies, manifest.devDependencies]) {
      for (const name of Object.keys(dependencies).filter((one) => one.startsWith("@kv/"))) {
        dependencies[name] = `file:${packedPackage(name).tarball}`;
      }
    }
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest, undefined, 2));
    await run("npm", ["install", "--no-audit", "--no-fund"], { cwd: folder });
  }, limit.timeout);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const npm = async (...args: string[]): Promise<CommandResult> => {
    const { VITEST: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;
    const env = {
      KV_TESTKIT_RUNS: process.env["KV_SOAK"] === "1" ? "50" : "10",
      ...inherited,
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
    };
    try {
      const { stdout, stderr } = await run("npm", args, { cwd: folder, env, maxBuffer: 2 ** 26 });
      return { ended: 0, printed: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { ended: code, printed: stdout + stderr };
    }
  };

  test("in its first draft breaks the rules that the page names", limit, async () => {
    const { ended, printed } = await npm("run", "first-draft");
    expect(ended).toBe(1);
    // What random runs and histories find first is chance.
    const failures = printed.matchAll(
      /^ContractViolation: [A-Z]\d (?!any calls|one order)[^\n]*\nrule ([A-Z]\d):/gm,
    );
    const broken = new Set(Array.from(failures, ([, rule]) => rule));
    const named = new Set([...page.matchAll(/^- \*\*([A-Z]\d)\*\*/gm)].map(([, rule]) => rule));
    expect(broken).toEqual(named);
  });

  test("keeps the whole contract when it is finished, and says what is not proven", limit, async () => {
    // At the root; the soak tries it in namespaces too.
    const only = process.env["KV_SOAK"] === "1" ? [] : ["--", "--testNamePattern", "at the root|^E"];
    const { ended, printed } = await npm("test", ...only);
    expect(ended, printed).toBe(0);
    expect(printed).toMatch(/Tests {2}\d{3,4} passed \| \d+ skipped/);
    const unproven = printed.slice(printed.indexOf("not proven here")).split("\n\n")[0] ?? "";
    for (const line of unproven.split("\n").slice(1)) expect(page).toContain(line.trim());
  });

  test("is written as the packages are", limit, async () => {
    const config = JSON.parse(await readFile(join(repository, ".oxlintrc.json"), "utf8")) as {
      readonly jsPlugins: readonly string[];
    };
    const jsPlugins = config.jsPlugins.map((path) => join(repository, path));
    await writeFile(
      join(folder, ".oxlintrc.json"),
      JSON.stringify({ ...config, jsPlugins, ignorePatterns: [] }),
    );
    const bin = join(repository, "node_modules/.bin");
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
    const { stdout } = await run(join(bin, "oxlint"), ["--type-aware", ...sources], { cwd: folder, env });
    expect(stdout).toContain("0 errors");
  });
});

async function filesIn(folders: readonly string[]): Promise<string[]> {
  const entries = await Promise.all(
    folders.map(async (folder) => readdir(join(example, folder), { withFileTypes: true, recursive: true })),
  );
  return entries
    .flat()
    .filter((entry) => entry.isFile())
    .map((entry) => relative(example, join(entry.parentPath, entry.name)));
}

function inOneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
}
