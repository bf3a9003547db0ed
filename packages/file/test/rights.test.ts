import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { FullStore } from "@kv/core";
import { fileStore } from "@kv/file";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundled } from "./bundled.ts";
import { fileOf } from "./stores.ts";
import { allBelow, newDirectory, newParent } from "./temporary.ts";

const parent = newParent("memory");
let program = "";
beforeAll(async () => {
  program = await bundled("rights-process.ts", parent);
  chmodSync(parent, 0o755);
});
// Root may do everything: there the calls are made as another user, to whom all of it belongs.
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe.skipIf(process.platform === "win32")(
  "S7 a user without the rights is told which file it is, and nothing is changed",
  () => {
    const nobody = 65_534;
    const isRoot = process.getuid?.() === 0;

    const all = ["get", "keys", "set", "increment", "touch", "setIfAbsent", "delete", "deleteAll"];

    test.each([
      { what: "the directory", mode: "000", denied: all },
      { what: "the directory", mode: "500", denied: ["deleteAll"] },
      { what: "data", mode: "000", denied: all },
      { what: "data/d", mode: "500", denied: ["setIfAbsent"] }, // which needs a new folder there
      { what: "the entry's folder", mode: "500", denied: ["set", "increment", "delete"] },
      { what: "the entry's file", mode: "000", denied: ["get", "keys"] }, // and set heals it
      { what: "locks", mode: "500", denied: ["set", "increment", "touch", "setIfAbsent", "delete"] },
      { what: "owners", mode: "500", denied: ["set", "increment", "touch", "setIfAbsent", "delete"] },
      { what: "trash", mode: "500", denied: ["deleteAll"] },
    ])("$what with mode $mode: denied are $denied", async ({ what, mode, denied }) => {
      const { directory, store } = await prepared();
      await store.close();
      const entry = fileOf(directory, "key");
      const paths: Readonly<Record<string, string>> = {
        "the directory": directory,
        "the entry's folder": dirname(entry),
        "the entry's file": entry,
      };
      const path = paths[what] ?? `${directory}/${what}`;
      if (isRoot) for (const each of [directory, ...allBelow(directory)]) chownSync(each, nobody, nobody);
      chmodSync(path, Number.parseInt(mode, 8));

      const outcomes = JSON.parse(
        execFileSync(process.execPath, [program, directory], {
          ...(isRoot && { uid: nobody, gid: nobody }),
          encoding: "utf8",
        }),
      ) as [operation: string, outcome: string, message: string][];

      expect(Object.fromEntries(outcomes.map(([operation, outcome]) => [operation, outcome]))).toEqual({
        ...Object.fromEntries(all.map((each) => [each, denied.includes(each) ? "KV_DENIED" : "done"])),
        close: "done",
      });
      for (const [operation, outcome, message] of outcomes) {
        if (outcome !== "done") expect(message, operation).toContain(` at ${directory}`);
      }
      if (existsSync(path)) chmodSync(path, 0o700);
      if (isRoot) for (const each of [directory, ...allBelow(directory)]) chownSync(each, 0, 0);
      const again = fileStore({ directory });
      if (denied === all) expect(await textIn(again)).toBe("1");
      await again.set("key", "3");
      expect(await textIn(again)).toBe("3");
      await again.close();
    });
  },
);

async function textIn(store: FullStore): Promise<string | undefined> {
  const value = await store.get("key");
  return value && Buffer.from(value).toString();
}

async function prepared(): Promise<{ directory: string; store: FullStore }> {
  const directory = newDirectory(parent).path;
  const store = fileStore({ directory });
  await store.set("key", "1", { expiresIn: "1h" });
  await store.set("renewed", "1", { expiresIn: "1h" });
  return { directory, store };
}
