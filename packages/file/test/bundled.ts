import { basename, join } from "node:path";
import { build } from "vite";

/** Compiles a module of the tests with all that it imports into one file, which a process starts ten times as fast. */
export async function bundled(module: string, into: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: "silent",
    root: import.meta.dirname,
    resolve: { conditions: ["@kv/source"] },
    ssr: { noExternal: true, resolve: { conditions: ["@kv/source"] } },
    build: {
      ssr: join(import.meta.dirname, module),
      outDir: into,
      emptyOutDir: false,
      minify: false,
      rollupOptions: { output: { entryFileNames: "[name].mjs" } },
    },
  });
  return join(into, `${basename(module, ".ts")}.mjs`);
}
