import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packed, run } from "./consumer.ts";

// The last step of a release, as it stands in the workflow, with an npm and a gh that only write down what they are told.

const limit = { timeout: 300_000 };
const repository = new URL("../../", import.meta.url).pathname;
let bin: string;
let log: string;

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), "kv-publish-"));
  log = join(bin, "log");
  await writeFile(log, "");
});
afterEach(() => rm(bin, { recursive: true, force: true }));

/** A command that writes down how it is called, and then does what the lines say. */
async function stub(name: string, ...lines: string[]): Promise<void> {
  const script = ["#!/bin/sh", `echo "${name} $*" >> "${log}"`, ...lines].join("\n");
  await writeFile(join(bin, name), `${script}\n`, { mode: 0o755 });
}

/** Runs the step as GitHub does. */
async function publish(): Promise<{ readonly ended: number; readonly calls: string[] }> {
  const workflow = await readFile(join(repository, ".github/workflows/release.yml"), "utf8");
  const [, indented = ""] = /Publish the tarballs[^]*?run: \|\n([^]*)$/.exec(workflow) ?? [];
  const script = indented.replace(/^ {10}/gm, "");
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`,
    GITHUB_SHA: "abc",
    GITHUB_REPOSITORY: "kv-stores/kv",
  };
  const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", script];
  const ended = await run("bash", args, { cwd: packed().folder, env }).then(
    () => 0,
    (error: { code: number }) => error.code,
  );
  return { ended, calls: (await readFile(log, "utf8")).trim().split("\n") };
}

const neitherIsThere = async (): Promise<void> => {
  await stub("npm", 'if [ "$1" = view ]; then exit 1; fi', 'if [ "$1" = publish ]; then test -f "$2"; fi');
  await stub("gh", 'test "$2" = create');
};

describe("the step that publishes", () => {
  test("publishes every tarball that was packed, with provenance, and then tags it", limit, async () => {
    await neitherIsThere();
    const { ended, calls } = await publish();
    expect(ended).toBe(0);
    for (const { name, version, tarball } of packed().all) {
      const published = calls.indexOf(
        `npm publish ./${tarball.split("/").at(-1)} --provenance --access public`,
      );
      const tagged = calls.findIndex((call) => call.startsWith(`gh release create ${name}@${version} `));
      expect(published).toBeGreaterThanOrEqual(0);
      expect(tagged).toBeGreaterThan(published);
    }
    expect(calls.filter((call) => call.startsWith("npm publish"))).toHaveLength(packed().all.length);
  });

  test("publishes what is depended on first", limit, async () => {
    await neitherIsThere();
    const { calls } = await publish();
    const order = calls.filter((call) => call.startsWith("npm publish"));
    const at = (name: string): number => order.findIndex((call) => call.includes(`./kv-${name}-`));
    for (const { name, internalDependencies } of packed().all) {
      for (const dependency of internalDependencies) {
        expect(at(dependency.slice(4))).toBeLessThan(at(name.slice(4)));
      }
    }
  });

  test("goes on where an earlier run stopped", limit, async () => {
    await stub("npm", 'if [ "$1" = view ]; then case "$2" in @kv/core@*) echo 1.0.0;; *) exit 1;; esac; fi');
    await stub("gh", 'if [ "$2" = view ]; then case "$3" in @kv/core@*) exit 0;; *) exit 1;; esac; fi');
    const { ended, calls } = await publish();
    expect(ended).toBe(0);
    const done = calls.filter((call) => /^npm publish|^gh release create/.test(call));
    expect(done).toHaveLength(2 * (packed().all.length - 1));
    expect(done.join("\n")).not.toMatch(/kv-core-|@kv\/core@/);
  });

  test("stops at the first that fails", limit, async () => {
    await stub("npm", "exit 1");
    await stub("gh", "exit 1");
    const { ended, calls } = await publish();
    expect(ended).not.toBe(0);
    expect(calls.filter((call) => call.startsWith("npm publish"))).toHaveLength(1);
  });
});
