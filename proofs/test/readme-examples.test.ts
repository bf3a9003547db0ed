import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RunningServer, startStandalone } from "@kv/test-servers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "./consumer.ts";
import { published } from "./published.ts";

// Every TypeScript example of every README and page of documentation is compiled and run, as it stands; those in docstrings
// are compiled.

const repository = new URL("../../", import.meta.url).pathname;
/** Inside this package, so that examples resolve the packages as this one does. */
const folder = join(import.meta.dirname, "../.examples");

const readmes = [
  "README.md",
  ...readdirSync(join(repository, "packages")).map((name) => join("packages", name, "README.md")),
].filter((path) => existsSync(join(repository, path)));

/** Pages whose blocks are parts of a whole, which a test of its own holds them to. */
const inParts = ["write-a-backend.md"];

const pages = readdirSync(join(repository, "docs"))
  .filter((name) => name.endsWith(".md") && !inParts.includes(name))
  .map((name) => join("docs", name));

const written = [...readmes, ...pages].flatMap((page) =>
  [...readFileSync(join(repository, page), "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(
    ([, code = ""], at) => ({
      page,
      at: at + 1,
      file: `${page.replace(/(\/README)?\.md$/, "").replaceAll("/", "-")}-${at + 1}.ts`,
      code,
    }),
  ),
);

/** Examples that run with another version of what they import, too. */
const variants = [{ page: "packages/keyv/README.md", at: 1, from: "keyv", to: "keyv-6" }];

const examples = [
  ...written,
  ...variants.flatMap(({ page, at, from, to }) =>
    written
      .filter((example) => example.page === page && example.at === at)
      .map(({ file, code }) => ({
        page: `${page} with ${to}`,
        at,
        file: file.replace(/\.ts$/, `-${to}.ts`),
        code: code.replace(`from "${from}"`, `from "${to}"`),
      })),
  ),
];

/** The examples in docstrings, which a person sees who hovers. */
const docstrings = published.flatMap((name) =>
  readdirSync(join(repository, "packages", name, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const source = readFileSync(join(repository, "packages", name, "src", file), "utf8");
      return [...source.matchAll(/^ *\* @example\n *\* ```ts\n(.*?)^ *\* ```$/gms)].map(
        ([, code = ""], at) => ({
          file: `docstring-${name}-${file.replaceAll("/", "-").replace(/\.ts$/, "")}-${at + 1}.ts`,
          code: code.replaceAll(/^ *\* ?/gm, ""),
        }),
      );
    }),
);

const servers: RunningServer[] = [];

beforeAll(async () => {
  servers.push(await startStandalone({ kind: "redis" }), await startStandalone({ kind: "valkey" }));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const { file, code } of [...examples, ...docstrings])
    await writeFile(join(folder, file), `${code}\nexport {};\n`);
  const resolve = { conditions: ["@kv/source", "module", "node", "development|production"] };
  await writeFile(
    join(folder, "vitest.config.js"),
    `export default ${JSON.stringify({ resolve, ssr: { resolve }, test: { include: ["*.ts"] } })};\n`,
  );
});

afterAll(async () => {
  for (const server of servers) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("examples of the READMEs and docs", () => {
  test("every README of a package has one", () => {
    const withExamples = new Set(examples.map(({ page }) => page));
    expect(readmes.filter((readme) => !withExamples.has(readme))).toEqual([]);
  });

  test("docstrings have some", () => {
    expect(docstrings.length).toBeGreaterThan(10);
  });

  test("all compile", { timeout: 300_000 }, async () => {
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: "../../tsconfig.base.json",
        compilerOptions: {
          noEmit: true,
          declaration: false,
          declarationMap: false,
          isolatedDeclarations: false,
          customConditions: ["@kv/source"],
        },
        include: ["*.ts"],
      }),
    );
    const outcome = await run("npx", ["tsc", "-p", folder], { cwd: repository }).catch(
      (error: { stdout: string }) => error,
    );
    expect(outcome.stdout).toBe("");
  });

  test.each(examples)("$page, example $at, runs", { timeout: 300_000 }, async ({ file, code }) => {
    if (code.includes("@kv/testkit/vitest")) {
      await run("npx", ["vitest", "run", file], { cwd: folder });
      return;
    }
    const [redis, valkey] = servers;
    const { stderr } = await run(
      process.execPath,
      ["--conditions=@kv/source", "--import", "tsx", join(folder, file)],
      { cwd: folder, env: { ...process.env, REDIS_URL: redis?.url, VALKEY_URL: valkey?.url } },
    );
    expect(stderr).toBe("");
  });
});
