import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, test } from "vitest";
import { consumer, packedPackage, run } from "./consumer.ts";
import { published } from "./published.ts";
import { typedPrograms } from "./typed-programs.ts";

const limit = { timeout: 300_000 };
/** True in the long run (`pnpm test:soak`). */
const soak = process.env["KV_SOAK"] === "1";

describe("packed tarballs", () => {
  test.each(published)("%s has what it promises, and nothing else", limit, async (name) => {
    const tarball = packedPackage(`@kv/${name}`).tarball;
    const { stdout } = await run("tar", ["-tzf", tarball]);
    const files = stdout
      .trim()
      .split("\n")
      .map((file) => file.replace("package/", ""));
    expect(files).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        "package.json",
        "dist/index.js",
        "dist/index.d.ts",
        "src/index.ts",
      ]),
    );
    expect(
      files.filter((file) => !/^(dist|src)\/|^(LICENSE|README\.md|[A-Z]+\.md|package\.json)$/.test(file)),
    ).toEqual([]);
    expect(files.filter((file) => /\.test\.|tsbuildinfo/.test(file))).toEqual([]);

    const { stdout: manifest } = await run("tar", ["-xzOf", tarball, "package/package.json"]);
    expect(manifest).not.toMatch(/workspace:|catalog:|@kv\/source/);
    const data = await readFile(tarball);
    const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: bytes }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test.each(published)("%s has types that resolve the way its code does", limit, async (name) => {
    const tarball = packedPackage(`@kv/${name}`).tarball;
    const result = await checkPackage(createPackageFromTarballData(await readFile(tarball)));
    // ESM only: node10 knows no exports, and what CommonJS gets is ESM by design.
    const problems =
      result.types === false
        ? ["no types"]
        : result.problems.filter(
            (problem) =>
              !("resolutionKind" in problem && problem.resolutionKind === "node10") &&
              problem.kind !== "CJSResolvesToESM",
          );
    expect(problems).toEqual([]);
  });
});

describe("a project outside the workspace", () => {
  /** What each package brings from elsewhere, directly; all that those bring is theirs. */
  const brings: Readonly<Record<string, readonly string[]>> = {
    cli: [],
    core: [],
    "express-rate-limit": [],
    "express-session": [],
    file: [],
    "from-url": [],
    hono: ["hono"],
    keyv: ["keyv"],
    memory: [],
    redis: ["ioredis"],
    resp: [],
    testkit: ["fast-check"],
    valkey: ["iovalkey"],
  };
  const heavy = ["ioredis", "iovalkey", "express", "fast-check", "hono", "keyv", "vitest"];

  test("every published package says what it brings", () => {
    expect(Object.keys(brings)).toEqual(published);
  });

  /** An ordinary run installs what brings something, and one package of each kind that does not. */
  const installable = soak ? published : ["cli", "file", "hono", "keyv", "redis", "testkit", "valkey"];

  test.each(installable)("installs %s and gets nothing else", limit, async (name) => {
    const folder = await consumer(`@kv/${name}`);
    const installed = await installedIn(folder);
    const ours = packedPackage(`@kv/${name}`).internalDependencies;
    const brought = brings[name] ?? [];
    expect(installed.filter((one) => one.startsWith("@kv/"))).toEqual([`@kv/${name}`, ...ours].toSorted());
    expect(installed.filter((one) => heavy.includes(one))).toEqual(brought);
    if (brought.length === 0) expect(installed.filter((one) => !one.startsWith("@kv/"))).toEqual([]);
  });

  test("uses it by import and by require", limit, async () => {
    const folder = await consumer("@kv/memory");
    const uses = `
      const store = memoryStore();
      store.set("k", "v", { expiresIn: "1m" }).then(() => store.get("k")).then((v) => console.log(Buffer.from(v).toString()));
    `;
    await writeFile(join(folder, "import.mjs"), `import { memoryStore } from "@kv/memory";${uses}`);
    await writeFile(join(folder, "require.cjs"), `const { memoryStore } = require("@kv/memory");${uses}`);
    for (const script of ["import.mjs", "require.cjs"]) {
      expect((await run(process.execPath, [script], { cwd: folder })).stdout).toBe("v\n");
    }
  });

  /** The oldest and the newest, and in the soak those between them. */
  const typescripts = ["typescript-5.4", ...(soak ? ["typescript-5.9", "typescript-6"] : []), "typescript"];
  test.each(typescripts)("compiles with %s, however it resolves modules", limit, async (typescript) => {
    const folder = await consumer(...typedPrograms.flatMap(({ uses }) => uses));
    const bin = join(import.meta.dirname, "../node_modules", typescript, "bin/tsc");
    for (const { file, source, lib, types, resolutions } of typedPrograms) {
      await writeFile(join(folder, file), source);
      for (const resolution of resolutions) {
        const compilerOptions = {
          ...resolution,
          target: "es2022",
          lib,
          types,
          typeRoots: [join(import.meta.dirname, "../../node_modules/@types")],
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          skipLibCheck: false,
        };
        await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
        const outcome = await run(process.execPath, [bin, "-p", folder]).catch(
          (error: { stdout: string }) => error,
        );
        expect(outcome.stdout, `${file} ${JSON.stringify(resolution)}`).toBe("");
      }
    }
  });
});

async function installedIn(folder: string): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8")) as { packages: object };
  return Object.keys(lock.packages)
    .filter(Boolean)
    .map((path) => path.replace(/^.*node_modules\//, ""))
    .toSorted();
}
