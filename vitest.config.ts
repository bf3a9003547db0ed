import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Packages are read from their sources: no build stands between a change and its tests.
const conditions = ["@kv/source", "module", "node", "development|production"];

const folders = [
  ...["packages", "internal", "examples"].flatMap((parent) =>
    readdirSync(new URL(parent, import.meta.url))
      .filter((name) => name !== "custom-backend") // a project of its own, which proofs installs and runs
      .map((name) => `${parent}/${name}`),
  ),
  "api-reference",
  "bench",
  "comparison",
  "proofs",
];

const projects = folders.map((folder) => ({
  extends: true as const,
  test: {
    name: basename(folder),
    root: `./${folder}`,
    include: ["test/**/*.test.ts"],
    setupFiles: process.env["KV_TESTKIT_SEED"]
      ? [fileURLToPath(new URL("scripts/seed-random-runs.ts", import.meta.url))]
      : [],
    ...(folder === "proofs" && {
      globalSetup: fileURLToPath(new URL("proofs/pack-once.ts", import.meta.url)),
    }),
  },
}));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects,
    // What the contract tests have proved, for scripts/check-reports.mjs.
    env: { KV_TESTKIT_REPORTS: fileURLToPath(new URL("reports", import.meta.url)) },
    // Most tests wait for servers and clocks: even on two cores, two at a time are well worth it.
    maxWorkers: "100%",
    // Nothing depends on how long something takes: these end only what hangs, on a machine that is busy too.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    reporters: ["default", "./scripts/closing-line-reporter.ts"],
    coverage: { provider: "v8", include: ["packages/*/src/**"] },
  },
});
