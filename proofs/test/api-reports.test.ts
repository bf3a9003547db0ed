import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { run } from "./consumer.ts";
import { published } from "./published.ts";

// The public types of every package, as they are built, are those that stand in etc/.

const repository = join(import.meta.dirname, "../..");
const committed = join(repository, "etc");
const { packageManager } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
  readonly packageManager: string;
};

test("etc/ has the public types of every entry as they are now", { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "kv-api-reports-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await run(process.execPath, [join(repository, "api-reference/api-reports.js"), folder]);

  const made = readdirSync(folder);
  expect(made).toEqual(expect.arrayContaining(published.map((name) => `${name}.api.md`)));
  const changed = [...new Set([...made, ...readdirSync(committed)])].filter(
    (name) => textOf(folder, name) !== textOf(committed, name),
  );
  expect(
    changed,
    `Public types have changed. If that is meant, run \`npx -y ${packageManager} run api\` and commit etc/ with the change.`,
  ).toEqual([]);
});

function textOf(folder: string, name: string): string | undefined {
  return readdirSync(folder).includes(name) ? readFileSync(join(folder, name), "utf8") : undefined;
}
