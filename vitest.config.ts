import { readdirSync } from "node:fs";
import { defineConfig } from "vitest/config";

// Packages are read from their sources: no build stands between a change and its tests.
const conditions = ["@kv/source", "module", "node", "development|production"];

const projects = ["packages", "examples"].flatMap((folder) =>
  readdirSync(new URL(folder, import.meta.url)).map((name) => ({
    extends: true as const,
    test: { name, root: `./${folder}/${name}`, include: ["test/**/*.test.ts"] },
  })),
);

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects,
    reporters: ["default", "./scripts/closing-line-reporter.ts"],
    coverage: { provider: "v8", include: ["packages/*/src/**"] },
  },
});
