import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);

/** Tests a store whose client's library cannot be loaded. */
export function testLoading(
  /** The library, and the factory that loads it. */
  { library, factory }: { readonly library: string; readonly factory: string },
  /** The path of the package. */
  cwd: string,
): void {
  /** Returns the error of the first call of a bundled program. */
  async function firstError(external: readonly string[], plugins: Plugin[] = []): Promise<unknown> {
    const folder = await mkdtemp(join(tmpdir(), "kv-loading-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const outfile = join(folder, "program.mjs");
    await build({
      stdin: { contents: programOf(factory), resolveDir: cwd },
      bundle: true,
      platform: "node",
      format: "esm",
      conditions: ["@kv/source"],
      external: [...external],
      plugins,
      outfile,
    });
    const { stdout } = await run(process.execPath, [outfile], { cwd: folder });
    return JSON.parse(stdout);
  }

  const failed = {
    code: "KV_FAILED",
    message: expect.stringMatching(
      new RegExp(
        `^get on .*: ${library} could not be loaded.*npm install ${library}.*external where you bundle`,
      ),
    ),
  };

  test(`E1 ${library} that is not installed is KV_FAILED, and the error says what to install`, async () => {
    expect(await firstError([library])).toEqual({
      ...failed,
      cause: expect.stringContaining(`Cannot find package '${library}'`),
    });
  });

  test(`E1 ${library} that a bundler broke is KV_FAILED, and the error says to leave it out`, async () => {
    expect(await firstError([])).toEqual({
      ...failed,
      cause: expect.stringContaining("Dynamic require"),
    });
  });

  test(`E1 ${library} that a bundler left without its exports is KV_FAILED`, async () => {
    expect(await firstError([], [emptied(library)])).toEqual({
      ...failed,
      cause: expect.stringContaining("not a constructor"),
    });
  });
}

function programOf(factory: string): string {
  return `
    import { ${factory} } from "../src/index.ts";

    try {
      await ${factory}({ url: "redis://127.0.0.1:1" }).get("k");
    } catch ({ code, message, cause }) {
      console.log(JSON.stringify({ code, message, cause: cause?.message }));
    }
  `;
}

/** In the place of a library a module that exports something else. */
function emptied(library: string): Plugin {
  return {
    name: "emptied",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${library}$`) }, ({ path }) => ({ path, namespace: "emptied" }));
      onLoad({ filter: /./, namespace: "emptied" }, () => ({ contents: "export default {};" }));
    },
  };
}
