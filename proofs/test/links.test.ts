import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

// Every link from a page of this repository to another of its files leads somewhere.

const repository = new URL("../../", import.meta.url).pathname;

const folders = [
  ".",
  ".github",
  "docs",
  "docs/decisions",
  ...["packages", "internal"].flatMap((parent) =>
    readdirSync(join(repository, parent)).map((name) => `${parent}/${name}`),
  ),
];

const pages = folders.flatMap((folder) =>
  readdirSync(join(repository, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

/** The links and images of a page that are no web addresses, without code. */
function linksIn(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```$/gms, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^[a-z]+:/.test(link));
}

/** The anchors that GitHub makes of a page's headings. */
function anchorsIn(page: string): Set<string> {
  const headings = readFileSync(page, "utf8").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

describe("links between the pages", () => {
  test.each(pages)("%s links to what is there", (page) => {
    const broken = linksIn(readFileSync(join(repository, page), "utf8")).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? join(repository, page) : join(repository, dirname(page), path);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsIn(target).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  test("docs/decisions has an index of all decisions, and each says when, why and what was refused", () => {
    const folder = join(repository, "docs/decisions");
    const index = readFileSync(join(folder, "README.md"), "utf8").replaceAll(/ +\|/g, " |");
    const decisions = readdirSync(folder).filter((name) => name !== "README.md");
    expect(decisions.map((name) => name.slice(0, 4))).toEqual(
      decisions.map((_, at) => `${String(at + 1).padStart(3, "0")}-`),
    );
    for (const name of decisions) {
      const text = readFileSync(join(folder, name), "utf8");
      const [, title = "", date = ""] =
        /^# \d{3}: (.+)\n\n- Date: (\d{4}-\d\d-\d\d)\n- Status: .+\n/.exec(text) ?? [];
      expect(index).toContain(`| ${name.slice(0, 3)} | [${title}](${name}) | ${date} |`);
      expect(text.match(/^## .+$/gm)).toEqual([
        "## Context",
        "## Decision",
        "## Alternatives refused",
        "## Consequences",
      ]);
    }
  });

  test("docs/comparison.md has a note for every mark, and a mark for every note", () => {
    const text = readFileSync(join(repository, "docs/comparison.md"), "utf8");
    const marks = new Set([...text.matchAll(/\[\^([a-z0-9]+)\](?!:)/g)].map(([, name]) => name));
    const notes = new Set([...text.matchAll(/^\[\^([a-z0-9]+)\]:/gm)].map(([, name]) => name));
    expect(marks).toEqual(notes);
  });
});
