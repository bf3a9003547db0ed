import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@kv/file";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundled } from "./bundled.ts";
import { listed } from "./stores.ts";
import { newDirectory, newParent } from "./temporary.ts";

const parent = newParent();
let program = "";
beforeAll(async () => {
  program = await bundled("once-process.ts", parent);
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

test.each(["itself", "exit", "kill"])(
  "S7 20 processes that end without closing the store (by %s) leave no more behind than a few do",
  async (ending) => {
    const directory = newDirectory(parent).path;
    for (let round = 0; round < 20; round += 1) await ended(directory, ending);
    for (const name of ["owners", "locks", "trash"]) {
      expect(readdirSync(join(directory, name)).length, name).toBeLessThan(5);
    }
    const store = fileStore({ directory });
    expect((await listed(store.keys())).length).toBe(20);
    await store.close();
  },
);

function ended(directory: string, ending: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, directory, ending], (error, _stdout, stderr) => {
      if (error === null || (ending === "kill" && error.signal === "SIGKILL")) resolve();
      else reject(new Error(`It ended otherwise: ${stderr}`, { cause: error }));
    });
  });
}
