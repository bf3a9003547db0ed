import { execFile } from "node:child_process";
import { chmodSync, chownSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import type { FileStoreOptions } from "@kv/file";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundled } from "./bundled.ts";
import { errno, faultyDisk } from "./injected-faults.ts";
import { fileOf, outcomeOf, storeIn } from "./stores.ts";
import { allBelow, newDirectory, newParent } from "./temporary.ts";

const run = promisify(execFile);
const parent = newParent();
let program = "";
beforeAll(async () => {
  program = await bundled("limits-process.ts", parent);
  chmodSync(parent, 0o755); // another user runs it too
});
afterAll(() => rmSync(parent, { recursive: true, force: true }));

const nobody = 65_534;
const isRoot = process.platform === "linux" && process.getuid?.() === 0;
const unproven = isRoot ? "" : " (unproven here: it takes root to become another user)";

describe.skipIf(process.platform === "win32").each(["local", "network"] as const)(
  "S7 few descriptors, disk %s",
  (disk) => {
    test.each(["reads", "reads and changes"])("suffice for 500 %s at the same time", async (what) => {
      const directory = await filled();
      // What Node needs for itself, and about 16 more.
      const told = await outcomes({ directory, disk, durability: "none" }, what, { descriptors: 48 });
      expect(told).toEqual(Array.from({ length: 500 }, () => "done"));
    });

    test("none at all: KV_UNAVAILABLE, says what to raise, and changes nothing", async () => {
      const directory = await filled();
      let isOut = false;
      const withoutAny = faultyDisk(
        (call) =>
          isOut && (call.name === "open" || call.name === "list") ? errno("EMFILE", call) : undefined,
        disk,
      );
      const store = storeIn({ directory, disk }, { disk: withoutAny });
      await store.set("key", "old");
      isOut = true;
      const before = allBelow(directory);
      for (const call of [
        () => store.get("key"),
        () => store.set("key", "new"),
        () => store.delete("key"),
        () => store.increment("count"),
      ]) {
        const outcome = await outcomeOf(call);
        expect(outcome, String(call)).toMatchObject({ code: "KV_UNAVAILABLE" });
        expect(String(outcome)).toMatch(/ulimit -n/);
      }
      expect(allBelow(directory)).toEqual(before);
      isOut = false;
      expect(Buffer.from((await store.get("key")) ?? []).toString()).toBe("old");
    });
  },
);

describe.skipIf(!isRoot).each(["local", "network"] as const)(
  `S7 another user, disk %s${unproven}`,
  (disk) => {
    test("without rights on the directory: KV_DENIED of every operation, and nothing is changed", async () => {
      const directory = await filled();
      const before = allBelow(directory);
      const told = await outcomes({ directory, disk }, "each operation", { user: nobody });
      expect(told).toHaveLength(7);
      for (const outcome of told) {
        expect(outcome).toMatch(/^KV_DENIED /);
        expect(outcome).toContain(directory);
        expect(outcome).toMatch(/must belong to the user/);
      }
      expect(allBelow(directory)).toEqual(before);
    });

    test("without rights to make the directory: KV_DENIED", async () => {
      const told = await outcomes({ directory: `${parent}/new`, disk }, "each operation", { user: nobody });
      for (const outcome of told) expect(outcome).toMatch(/^KV_DENIED /);
    });

    test("without rights on one entry: KV_DENIED of it, by its path, and a set replaces it", async () => {
      const directory = await filled();
      for (const path of [directory, ...allBelow(directory)]) chownSync(path, nobody, nobody);
      const [foreign, replaced] = [fileOf(directory, "key 1"), fileOf(directory, "key 2")];
      for (const path of [foreign, replaced]) chownSync(path, 0, 0);
      const [get, set, remove, ...rest] = await outcomes({ directory, disk }, "get and set", {
        user: nobody,
      });
      expect(get).toMatch(/^KV_DENIED /);
      expect(get).toContain(foreign);
      expect([set, remove, ...rest]).toEqual(["done", "done"]);
      for (const path of [directory, ...allBelow(directory)]) chownSync(path, 0, 0);
      const store = storeIn({ directory, disk });
      expect(Buffer.from((await store.get("key 1")) ?? []).toString()).toBe("key 1");
      expect(Buffer.from((await store.get("key 2")) ?? []).toString()).toBe("new");
    });
  },
);

async function filled(): Promise<string> {
  const directory = newDirectory(parent).path;
  const store = storeIn({ directory, durability: "none" });
  for (let at = 0; at < 50; at += 1) await store.set(`key ${at}`, `key ${at}`);
  await store.close();
  return directory;
}

/** What a process of its own, under limits, says of the calls that it makes. */
async function outcomes(
  options: FileStoreOptions,
  what: string,
  { descriptors, user }: { readonly descriptors?: number; readonly user?: number },
): Promise<string[]> {
  const args = [program, JSON.stringify(options), what];
  const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
  const { stdout } = await run("/bin/sh", ["-c", `${limit}exec "$0" "$@"`, process.execPath, ...args], {
    cwd: "/",
    ...(user !== undefined && { uid: user, gid: user }),
  });
  return JSON.parse(stdout) as string[];
}
