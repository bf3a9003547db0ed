import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { consumer, run } from "./consumer.ts";

const limit = { timeout: 300_000 };

const asked = `
  for (const url of ["memory:", "file:./data", "redis://ada:s3cret@127.0.0.1:1", "valkeys://127.0.0.1:1"]) {
    try {
      await using store = await storeFromUrl(url, options);
      await store.set("k", "v", { expiresIn: "1m" });
      console.log("opened");
    } catch ({ name, code, message }) {
      console.log(code ?? name, message);
    }
  }
`;

/** What a program says in a project outside the workspace, line by line. */
async function says(folder: string, file: string, program: string): Promise<string[]> {
  await writeFile(join(folder, file), program);
  return saysFrom(folder, file);
}

async function saysFrom(folder: string, file: string): Promise<string[]> {
  const { stdout, stderr } = await run(process.execPath, ["--import", import.meta.resolve("tsx"), file], {
    cwd: folder,
  });
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

test("storeFromUrl says which package to install, and opens what is installed", limit, async () => {
  const program = `import { storeFromUrl } from "@kv/from-url"; const options = {}; ${asked}`;
  const notInstalled = (name: string): unknown =>
    expect.stringContaining(`KV_FAILED The URL needs ${name}, which is not installed: npm install ${name}.`);

  const alone = await consumer("@kv/from-url");
  expect(await says(alone, "program.mts", program)).toEqual(
    ["@kv/memory", "@kv/file", "@kv/redis", "@kv/valkey"].map(notInstalled),
  );

  const withSome = await consumer("@kv/from-url", "@kv/memory", "@kv/file", "@kv/redis");
  expect(await says(withSome, "program.mts", program)).toEqual([
    "opened",
    "opened",
    expect.stringMatching(/^KV_UNAVAILABLE set on redis at 127\.0\.0\.1:1/),
    notInstalled("@kv/valkey"),
  ]);
});

test(
  "no compiler has wrapped the name that is imported, for minifiers to unwrap it wrongly",
  limit,
  async () => {
    const folder = await consumer("@kv/from-url");
    const code = await readFile(
      join(folder, "node_modules/@kv/from-url/dist/backends/load-factory.js"),
      "utf8",
    );
    expect(code).toContain("import(/* webpackIgnore: true */ /* @vite-ignore */ name)");
  },
);

test("a bundle holds the backends that it was given, and no other", limit, async () => {
  const folder = await consumer("@kv/from-url", "@kv/memory", "@kv/redis");
  const entry = join(folder, "entry.mts");
  await writeFile(
    entry,
    `import { storeFromUrl } from "@kv/from-url"; import { memoryStore } from "@kv/memory";
     const options = { backends: { memory: memoryStore } }; ${asked}`,
  );
  const outfile = join(folder, "bundled/program.mjs");
  const { warnings, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    logLevel: "silent",
    outfile,
  });
  expect(warnings).toEqual([]);
  const packages = Object.keys(metafile.inputs).map(
    (path) => /node_modules\/(@kv\/[^/]+|[^/]+)/.exec(path)?.[1],
  );
  expect([...new Set(packages)].filter((name) => name !== undefined).toSorted()).toEqual([
    "@kv/core",
    "@kv/from-url",
    "@kv/memory",
  ]);
  expect(await saysFrom(folder, "bundled/program.mjs")).toEqual([
    "opened",
    ...["file", "redis", "valkey"].map((name) =>
      expect.stringContaining(
        `TypeError The URL needs the backend ${name}, which is missing from the option backends`,
      ),
    ),
  ]);
});
