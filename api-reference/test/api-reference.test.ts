import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const typedoc = join(dirname(createRequire(import.meta.url).resolve("typedoc/package.json")), "bin/typedoc");

test("the API reference is made from the docstrings without a warning", { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "kv-api-reference-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  // Every warning is an error: a broken link, a type that is used and not exported.
  await promisify(execFile)(process.execPath, [typedoc, "--out", folder], {
    cwd: join(import.meta.dirname, ".."),
  });
  const index = await readFile(join(folder, "index.html"), "utf8");
  for (const entry of ["@kv/core", "@kv/core/driver", "@kv/redis", "@kv/testkit/vitest"]) {
    expect(index).toContain(`>${entry}<`);
  }
});
