import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

// What every package has to say of itself, and what it may lean on.

const repository = new URL("../../", import.meta.url).pathname;

interface Manifest {
  readonly name: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly private?: boolean;
  readonly license?: string | { readonly type: string };
  readonly version: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, unknown>> };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

const all: readonly Package[] = readdirSync(join(repository, "packages")).map((name) => {
  const folder = join(repository, "packages", name);
  return { folder, manifest: manifestIn(folder) };
});
const published = all.filter(({ manifest }) => manifest.private !== true);
const each = published.map((one) => ({ ...one, name: one.manifest.name }));

describe("a published package", () => {
  test.each(each)("$name says of itself what all say", ({ folder, manifest }) => {
    const short = relative(join(repository, "packages"), folder);
    expect(manifest).toMatchObject({
      name: `@kv/${short}`,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      description: expect.stringMatching(/^[A-Z].{20,150}[^.]$/),
      keywords: expect.arrayContaining(["store"]),
      homepage: `https://github.com/kv-stores/kv/tree/main/packages/${short}#readme`,
      bugs: "https://github.com/kv-stores/kv/issues",
      license: "MIT",
      repository: {
        type: "git",
        url: "git+https://github.com/kv-stores/kv.git",
        directory: `packages/${short}`,
      },
      files: expect.arrayContaining(["dist", "src"]),
      type: "module",
      sideEffects: expect.anything(),
      publishConfig: { access: "public" },
      engines: manifestIn(repository, "engines"),
    });
    expect(readFileSync(join(folder, "LICENSE"), "utf8")).toBe(
      readFileSync(join(repository, "LICENSE"), "utf8"),
    );
  });

  test.each(each)("$name is published as it is used here, from dist for src", ({ manifest }) => {
    const here = JSON.stringify(manifest.exports, (key, value: unknown) =>
      key === "@kv/source" ? undefined : value,
    );
    expect(JSON.stringify(manifest.publishConfig?.exports)).toBe(here);
    expect(manifest.exports).toHaveProperty(["./package.json"]);
  });

  test.each(each)("$name says in its README how to install it", ({ name, folder }) => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    expect(readme.startsWith(`# ${name}\n`)).toBe(true);
    expect(readme).toMatch(new RegExp(`^(npm install|npx) .*${name}(\\s|$)`, "m"));
  });

  test.each(each)("$name says in its README what it weighs", ({ name, folder }) => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    // `pnpm run sizes` writes it.
    expect(readme).toMatch(
      new RegExp(`^## Size$.*^\\| \\*\\*${name}\\*\\* +\\| +\\d+ KiB \\| +\\d+ \\|`, "ms"),
    );
  });

  test.each(each)("$name is in a changeset or was released", ({ name, folder }) => {
    const changesets = filesIn(join(repository, ".changeset"), /\.md$/).map((file) =>
      readFileSync(file, "utf8"),
    );
    const waiting = changesets.some((text) => text.includes(`"${name}":`));
    expect(waiting || existsSync(join(folder, "CHANGELOG.md"))).toBe(true);
  });
});

describe("imports", () => {
  const sources = all.flatMap(({ folder, manifest }) =>
    filesIn(join(folder, "src"), /\.(ts|mjs)$/).map((file) => ({ folder, manifest, file })),
  );

  test("no source reaches into another package's files", () => {
    const reaching = sources.flatMap(({ folder, file }) =>
      importsOf(file)
        .filter(
          (path) => path.startsWith(".") && !resolve(dirname(file), path).startsWith(join(folder, "src/")),
        )
        .map((path) => `${relative(repository, file)} imports ${path}`),
    );
    expect(reaching).toEqual([]);
  });

  test("a source imports nothing but Node and what its package depends on", () => {
    const undeclared = sources.flatMap(({ manifest, file }) => {
      const declared = [
        manifest.name,
        ...Object.keys({
          ...manifest.dependencies,
          ...manifest.optionalDependencies,
          ...manifest.peerDependencies,
        }),
      ];
      return importsOf(file)
        .filter((path) => !path.startsWith(".") && !path.startsWith("node:"))
        .filter((path) => !declared.some((name) => path === name || path.startsWith(`${name}/`)))
        .map((path) => `${relative(repository, file)} imports ${path}`);
    });
    expect(undeclared).toEqual([]);
  });

  test("are found at all", () => {
    const found = new Set(sources.flatMap(({ file }) => importsOf(file)));
    for (const path of ["@kv/core/driver", "ioredis", "node:util", "./store/redis-store.ts"])
      expect(found).toContain(path);
  });
});

describe("licences", () => {
  const permissive = new Set(["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD"]);

  test.each(each)("of all that $name brings with it are permissive", ({ folder }) => {
    const brought = bringsOf(folder);
    const others = [...brought].filter(([, license]) => !permissive.has(license));
    expect(others).toEqual([]);
  });

  test("are looked up through all levels", () => {
    const redis = published.find(({ manifest }) => manifest.name === "@kv/redis");
    const names = [...bringsOf(redis?.folder ?? "").keys()];
    for (const name of ["@kv/core", "@kv/resp", "ioredis", "denque", "ms"]) {
      expect(names.some((found) => found.startsWith(`${name}@`))).toBe(true);
    }
  });
});

describe("workflows", () => {
  const workflow = (name: string): string =>
    readFileSync(join(repository, ".github/workflows", `${name}.yml`), "utf8");
  const names = readdirSync(join(repository, ".github/workflows")).map((file) => file.replace(".yml", ""));

  test("test on every Node that scripts/test-on-nodes.mjs does", () => {
    const script = readFileSync(join(repository, "scripts/test-on-nodes.mjs"), "utf8");
    const versions = [...(/\[("\d+"(?:, "\d+")*)\]/.exec(script)?.[1] ?? "").matchAll(/\d+/g)].map(String);
    expect(versions.length).toBeGreaterThanOrEqual(4);
    expect(workflow("ci")).toContain(`node: [${versions.join(", ")}]`);
  });

  test("run the pnpm that this repository names, and commands that it has", () => {
    const root = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
      readonly packageManager: string;
      readonly scripts: Readonly<Record<string, string>>;
    };
    for (const name of names) {
      const uses = [...workflow(name).matchAll(/npx -y (pnpm@\S+) (?:run )?(\S+)/g)];
      expect(uses.length).toBeGreaterThan(0);
      for (const [, pnpm, command = ""] of uses) {
        expect(pnpm).toBe(root.packageManager);
        expect(["install", "exec", ...Object.keys(root.scripts)]).toContain(command);
      }
    }
  });

  test("pin the actions that they use to a commit, and give no right by default but to read", () => {
    for (const name of names) {
      const uses = [...workflow(name).matchAll(/uses: (\S+)/g)].map(([, action]) => action);
      expect(uses.length).toBeGreaterThan(0);
      expect(uses.filter((action) => !/@[0-9a-f]{40}$/.test(action ?? ""))).toEqual([]);
      expect(workflow(name)).toMatch(/^permissions:\n {2}contents: read$/m);
    }
  });
});

function manifestIn(folder: string): Manifest;
function manifestIn(folder: string, field: string): unknown;
function manifestIn(folder: string, field?: string): unknown {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  return field === undefined ? manifest : Reflect.get(manifest, field);
}

function filesIn(folder: string, name: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => name.test(file))
    .map((file) => join(folder, file));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const imports =
    /^(?:import|export)\s[\w\s{},*$]*?\bfrom "([^"]+)"|^import "([^"]+)"|^(?! *\*).*\bimport\("([^"]+)"\)/gm;
  return [...text.matchAll(imports)].map(([, named, alone, loaded]) => named ?? alone ?? loaded ?? "");
}

/** The licence of every package that one brings with it at any level, by name and version. */
function bringsOf(folder: string, found: Map<string, string> = new Map()): Map<string, string> {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifestIn(folder);
  const peers = Object.keys(peerDependencies ?? {}).filter(
    (name) => peerDependenciesMeta?.[name]?.optional !== true,
  );
  for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
    const below = folderOf(name, folder);
    const { version, license } = manifestIn(below);
    const id = `${name}@${version}`;
    if (found.has(id)) continue;
    found.set(id, typeof license === "object" ? license.type : (license ?? "none"));
    bringsOf(below, found);
  }
  return found;
}

/** Where Node finds a package from a folder, whether or not it exports its package.json. */
function folderOf(name: string, from: string): string {
  const places = createRequire(join(from, "package.json")).resolve.paths(name) ?? [];
  const place = places.find((candidate) => existsSync(join(candidate, name, "package.json")));
  if (place === undefined) throw new Error(`${name} is not installed for ${from}`);
  return realpathSync(join(place, name));
}
