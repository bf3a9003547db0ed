import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);

describe("E1 a backend whose package", () => {
  test.each([
    ["memory:", "@kv/memory"],
    ["file:./data", "@kv/file"],
    ["rediss://ada:s3cret@127.0.0.1:1", "@kv/redis"],
    ["valkey://ada:s3cret@127.0.0.1:1", "@kv/valkey"],
  ])("is not installed is KV_FAILED, and the error says what to install for %s", async (url, name) => {
    const folder = await newFolder();
    await bundle(folder, opening(url));
    const { error, cause } = await opened(folder);
    expect(error).toBe(
      `KV_FAILED The URL needs ${name}, which is not installed: npm install ${name}. If you bundle, pass its factory in the option backends.`,
    );
    expect(cause).toContain(`Cannot find package '${name}'`);
  });

  test.each([
    ["needs one that is missing", 'import "@kv/resp";', "Cannot find package '@kv/resp'"],
    ["fails", 'throw new Error("broken by hand");', "broken by hand"],
  ])("%s when it is loaded is KV_FAILED, with the cause", async (_, code, says) => {
    const folder = await newFolder();
    await bundle(folder, opening("redis://127.0.0.1:1"));
    await install(folder, "@kv/redis", code);
    const { error, cause } = await opened(folder);
    expect(error).toMatch(/^KV_FAILED @kv\/redis could not be loaded; see the cause\./);
    expect(cause).toContain(says);
  });

  test("lacks the factory is KV_FAILED", async () => {
    const folder = await newFolder();
    await bundle(folder, opening("redis://127.0.0.1:1"));
    await install(folder, "@kv/redis", "export const storeOfRedis = 1;");
    expect((await opened(folder)).error).toMatch(
      /^KV_FAILED @kv\/redis has no redisStore: install a version/,
    );
  });
});

describe("a bundle", () => {
  const withBackends = (url: string): string => `
    import { storeFromUrl } from "@kv/from-url";
    import { memoryStore } from "@kv/memory";

    const open = () => storeFromUrl(${JSON.stringify(url)}, { backends: { memory: memoryStore } });
    ${report}
  `;

  test("has the backends that it was given, and nothing of the others, for wherever JavaScript runs", async () => {
    const folder = await newFolder();
    const { warnings } = await bundle(folder, withBackends("memory:?maxEntries=10"), "browser");
    expect(warnings).toEqual([]);
    const code = await readFile(join(folder, "program.mjs"), "utf8");
    expect(code).not.toMatch(/ioredis|from "node:|require\(/);
    expect(await opened(folder)).toEqual({ opened: true });
  });

  test("takes no other backend, though its package were there", async () => {
    const folder = await newFolder();
    await bundle(folder, withBackends("redis://127.0.0.1:1"), "browser");
    await install(folder, "@kv/redis", "export const redisStore = () => {};");
    expect((await opened(folder)).error).toMatch(
      /missing from the option backends: pass \{ redis: redisStore \}/,
    );
  });
});

/** Prints whether `open` opened a store that works. */
const report = `
  try {
    const store = await open();
    await store.set("k", "v");
    console.log(JSON.stringify({ opened: await store.exists("k") }));
  } catch (error) {
    console.log(JSON.stringify({ error: (error.code ?? error.name) + " " + error.message, cause: error.cause?.message }));
  }
`;

function opening(url: string): string {
  return `
    import { storeFromUrl } from "@kv/from-url";
    const open = () => storeFromUrl(${JSON.stringify(url)});
    ${report}
  `;
}

/** Compiles a program with all that it imports, into a folder where no package is installed. */
function bundle(
  folder: string,
  contents: string,
  platform: "node" | "browser" = "node",
): ReturnType<typeof build> {
  return build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    platform,
    format: "esm",
    conditions: ["@kv/source"],
    outfile: join(folder, "program.mjs"),
    logLevel: "silent",
  });
}

/** Makes a package of one module. */
async function install(folder: string, name: string, code: string): Promise<void> {
  const own = join(folder, "node_modules", name);
  await mkdir(own, { recursive: true });
  await writeFile(join(own, "package.json"), JSON.stringify({ name, type: "module", exports: "./index.js" }));
  await writeFile(join(own, "index.js"), code);
}

async function opened(folder: string): Promise<{ error?: string; cause?: string; opened?: boolean }> {
  const { stdout } = await run(process.execPath, ["program.mjs"], { cwd: folder });
  return JSON.parse(stdout) as { error?: string };
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kv-from-url-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
