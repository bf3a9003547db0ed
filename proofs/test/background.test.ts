import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

// The linter refuses work that nobody awaits and that may end the process. Here: that it does.

const repository = new URL("../../", import.meta.url).pathname;
const oxlint = join(repository, "node_modules/.bin/oxlint");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(repository, "examples/tour/src/lint-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function complaintsAbout(name: string, statement: string): string {
  mkdirSync(join(folder, name));
  const file = join(folder, name, "tried.ts");
  writeFileSync(
    file,
    `import { guarded, inBackground } from "@kv/core/driver";
declare const work: () => Promise<number>;
declare const emitter: NodeJS.EventEmitter & { addEventListener(event: string, listener: () => void): void };
export function tried(): unknown {
  ${statement}
}
guarded(work);
inBackground(work);
`,
  );
  return spawnSync(oxlint, ["--type-aware", file], { cwd: repository, encoding: "utf8" }).stdout;
}

test.each([
  ["timeout", "setTimeout(() => work(), 1);"],
  ["interval", "setInterval(() => { work; }, 1);"],
  ["immediate", "setImmediate(tried);"],
  ["tick", "process.nextTick(() => { throw new Error(); });"],
  ["microtask", "queueMicrotask(() => tried());"],
  ["listener", `emitter.on("error", () => tried());`],
  ["once", `emitter.once("error", tried);`],
  ["event", `emitter.addEventListener("close", () => tried());`],
])("the linter refuses a callback that is not guarded (%s)", (name, statement) => {
  expect(complaintsAbout(name, statement)).toContain("background(guarded)");
});

test.each([
  ["then", "work().then(tried, tried);"],
  ["catch", "work().catch(tried);"],
  ["finally", "work().finally(tried);"],
])("the linter refuses handlers that nobody awaits (%s)", (name, statement) => {
  expect(complaintsAbout(name, statement)).toContain("background(no-unawaited)");
});

test.each([
  ["floating", "work();"],
  ["void", "void work();"],
])("the linter refuses a promise that nobody awaits (%s)", (name, statement) => {
  expect(complaintsAbout(name, statement)).toContain("no-floating-promises");
});

test("the linter takes what is guarded", () => {
  const complaints = complaintsAbout(
    "good",
    `const safe = guarded(work);
  setTimeout(guarded(work), 1);
  setTimeout(safe, 1);
  emitter.on("error", safe);
  inBackground(() => work().finally(tried));
  return new Promise((resolve) => setTimeout(resolve, 1));`,
  );
  expect(complaints).toContain("Found 0 warnings and 0 errors");
});
