import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileStore } from "@kv/file";
import { storeFromUrl } from "@kv/from-url";
import { type RunningServer, startStandalone } from "@kv/test-servers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { run, runText } from "./run.ts";

describe("kv on files", () => {
  let folder: string;
  let store: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "kv-cli-"));
    store = `file:${folder}/data`;
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test("set makes the folder, and get writes the same bytes", async () => {
    const bytes = Uint8Array.of(0, 255, 10, 13);
    expect(await run(["set", store, "k"], { input: bytes })).toMatchObject({ code: 0, stderr: "" });
    const { code, stdout } = await run(["get", store, "k"]);
    expect(code).toBe(0);
    expect(new Uint8Array(stdout)).toEqual(bytes);
    expect(await runText(["get", `file://${folder}/data`, "k", "--json"])).toMatchObject({ code: 0 });
  });

  test("what only looks makes no folder", async () => {
    for (const command of [
      ["get", store, "k"],
      ["keys", store],
      ["delete-all", store, "--yes"],
      ["copy", store, `${store}2`],
    ]) {
      expect(await runText(command)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("There is no folder"),
      });
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test("it opens what an application opens by the same URL, with ?root where that has a namespace", async () => {
    await using shop = await storeFromUrl(`${store}?durability=none`, { namespace: "shop" });
    await shop.set("k", "v");
    await shop.withNamespace("carts").set("k", "2 books");
    const url = `${store}?durability=none&root=shop`;
    expect(await runText(["get", url, "k"])).toMatchObject({ code: 0, stdout: "v" });
    expect(await runText(["get", url, "k", "-n", "carts"])).toMatchObject({ stdout: "2 books" });
    expect(await runText(["get", store, "k", "-n", "shop"])).toMatchObject({ stdout: "v" });
    expect(await runText(["set", `${store}?durability=much`, "k", "v"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("durability must be one of none, file, full"),
    });
  });

  test("a folder that holds something else is refused, and left as it is", async () => {
    await writeFile(join(folder, "notes.txt"), "mine");
    const { code, stderr } = await runText(["set", `file:${folder}`, "k", "v"]);
    expect(code).toBe(3);
    expect(stderr).toContain(`files in ${folder}`);
    expect(await runText(["delete-all", `file:${folder}`, "--yes"])).toMatchObject({ code: 3 });
    expect(await readdir(folder)).toEqual(["notes.txt"]);
  });

  test("a copy that fails before it has copied anything says why, and nothing of what it did", async () => {
    await writeFile(join(folder, "notes.txt"), "mine");
    const { code, stderr } = await runText(["copy", `file:${folder}`, store, "--yes"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^kv: .* was refused: .*\n$/);
  });

  test("delete-expired removes what has expired, in all namespaces, and says how many", async () => {
    await run(["set", store, "short", "v", "--expires-in", "1ms"]);
    await run(["set", store, "short", "v", "--expires-in", "1ms", "-n", "a", "-n", "b"]);
    await run(["set", store, "long", "v", "--expires-in", "1h"]);
    while ((await run(["get", store, "short", "-n", "a", "-n", "b"])).code === 0);
    expect(await runText(["delete-expired", store])).toEqual({ code: 0, stdout: "2\n", stderr: "" });
    expect(await runText(["delete-expired", store, "--json"])).toMatchObject({ stdout: '{"deleted":0}\n' });
    expect(await runText(["keys", store])).toMatchObject({ stdout: "long\n" });
  });

  test("delete-all asks, and empties what it was told to", async () => {
    await run(["set", store, "k", "v", "-n", "a"]);
    await run(["set", store, "k", "v", "-n", "ab"]);
    expect(await runText(["delete-all", store, "-n", "a"])).toMatchObject({ code: 2 });
    expect(await runText(["delete-all", store, "-n", "a", "-y"])).toMatchObject({ code: 0 });
    expect(await runText(["namespaces", store])).toMatchObject({ stdout: "ab\n" });
  });

  describe("copied to a server and back", () => {
    let server: RunningServer;
    beforeAll(async () => {
      server = await startStandalone({ kind: "redis" });
    });
    afterAll(() => server.stop());

    test("bytes, namespaces and expiries are as they were; what is damaged is named and left out", async () => {
      const url = `redis://127.0.0.1:${server.port}`;
      await using files = fileStore({ directory: `${folder}/data` });
      await files.set(
        "bytes",
        Uint8Array.from({ length: 100_000 }, (_, at) => at % 251),
      );
      await files.withNamespace("tenants").withNamespace("a/b").set("k", "v", { expiresIn: "1h" });
      expect(await runText(["copy", store, url])).toMatchObject({
        code: 0,
        stdout: "2 entries copied (100001 bytes)\n",
      });
      expect(await runText(["copy", url, `${store}2`, "--json"])).toMatchObject({ code: 0 });

      await using back = fileStore({ directory: `${folder}/data2` });
      expect(await back.get("bytes")).toEqual(await files.get("bytes"));
      const tenant = back.withNamespace("tenants").withNamespace("a/b");
      expect(Buffer.from((await tenant.get("k")) ?? []).toString()).toBe("v");
      expect(await tenant.expiresIn("k")).toBeGreaterThan(3_500);

      await damage(join(folder, "data2"));
      const { code, stderr, stdout } = await runText(["copy", `${store}2`, `${store}3`, "--json"]);
      expect(code).toBe(3);
      expect(stderr).toContain('Not copied because it is damaged: the key "bytes" in []');
      expect(JSON.parse(stdout)).toMatchObject({ copied: 1, damaged: 1 });
    });
  });
});

/** Changes a byte in the largest file of a store, as a failing disk would. */
async function damage(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map(async (file) => {
        const path = join(file.parentPath, file.name);
        return { path, bytes: await readFile(path) };
      }),
  );
  const largest = contents.toSorted((a, b) => b.bytes.length - a.bytes.length)[0];
  if (largest === undefined) throw new Error("The store has no files.");
  const middle = Math.floor(largest.bytes.length / 2);
  largest.bytes[middle] = (largest.bytes[middle] ?? 0) ^ 0xff;
  await writeFile(largest.path, largest.bytes);
}
