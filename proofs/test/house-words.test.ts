import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

// The linter refuses clocks and timers that go past the seam, and names that the glossary has retired. Here: that it does.

const repository = new URL("../../", import.meta.url).pathname;
const oxlint = join(repository, "node_modules/.bin/oxlint");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "kv-lint-"));
  const config = {
    jsPlugins: ["time", "words"].map((name) => join(repository, `scripts/lint/${name}.mjs`)),
    categories: { correctness: "off" },
    rules: { "time/seam": "error", "words/retired": "error" },
  };
  writeFileSync(join(folder, "oxlintrc.json"), JSON.stringify(config));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

let count = 0;

function complaintsAbout(code: string, room: "src" | "test" = "src"): string {
  count += 1;
  mkdirSync(join(folder, String(count), room), { recursive: true });
  const file = join(folder, String(count), room, "tried.ts");
  writeFileSync(file, code);
  const { stdout, stderr } = spawnSync(oxlint, ["-c", join(folder, "oxlintrc.json"), file], {
    cwd: repository,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout;
}

test.each([
  "setTimeout(work, 1);",
  "const later = setTimeout;",
  "clearInterval(timer);",
  "setInterval(work, 1);",
  "globalThis.setImmediate(work);",
  "queueMicrotask(work);",
  "process.nextTick(work);",
  "const now = Date.now();",
  "const clock = Date.now;",
  "const clock = { now: Date.now };",
  "const today = new Date();",
  "performance.now();",
  "AbortSignal.timeout(5);",
  `import { setTimeout as wait } from "node:timers/promises";`,
  `import { performance } from "node:perf_hooks";`,
  "let timer: ReturnType<typeof setTimeout>;",
])("a clock or timer past the seam is refused: %s", (code) => {
  expect(complaintsAbout(code)).toContain("time(seam)");
});

test.each([
  "time.setTimeout(work, 1);",
  "socket.setTimeout(1);",
  "const at = new Date(ms);",
  "const fake = { setTimeout(callback: () => void) {}, now: () => 0 };",
  "interface Time { setTimeout(callback: () => void): void }",
])("what only looks like it is taken: %s", (code) => {
  expect(complaintsAbout(code)).toContain("Found 0 warnings and 0 errors");
});

test.each([
  "class Gathering {}",
  "const underWay = 0;",
  "class Queue { #underWay = 0; }",
  "// Sent at once.",
  "/** 5 seconds unless\n * told. */",
  `throw new Error("calls are under way");`,
  "throw new Error(`calls at once`);",
])("a retired name is refused: %s", (code) => {
  expect(complaintsAbout(code)).toContain("words(retired)");
});

test("phrases are free in tests, whose titles are prose; identifiers are not", () => {
  expect(complaintsAbout("// Sent at once.", "test")).toContain("Found 0 warnings and 0 errors");
  expect(complaintsAbout("class Gathering {}", "test")).toContain("words(retired)");
});

test("words that only contain a retired one are taken", () => {
  expect(complaintsAbout("// At 11 once more.\nclass GatheringPlace {}")).toContain(
    "Found 0 warnings and 0 errors",
  );
});
