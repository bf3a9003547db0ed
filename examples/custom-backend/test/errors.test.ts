import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sqliteStore } from "../src/index.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kv-sqlite-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("E1 a database that another holds locked is KV_TIMEOUT, changes nothing, and works again after it", async () => {
  const file = join(folder, "store.db");
  await using store = sqliteStore({ file, timeout: "50ms" });
  await store.set("k", "before");
  const other = new Database(file);
  other.exec("BEGIN IMMEDIATE");
  for (const call of [() => store.set("k", "during"), () => store.increment("n"), () => store.deleteAll()]) {
    await expect(call()).rejects.toMatchObject({ code: "KV_TIMEOUT" });
  }
  expect(Buffer.from((await store.get("k")) ?? []).toString()).toBe("before"); // readers do not wait
  other.exec("ROLLBACK");
  other.close();
  await store.set("k", "after");
  expect(await store.increment("n")).toMatchObject({ value: 1 });
});

test("E1 a file that is no database is KV_CORRUPT", async () => {
  const file = join(folder, "store.db");
  writeFileSync(file, "no database ".repeat(1_000));
  await using store = sqliteStore({ file });
  await expect(store.get("k")).rejects.toMatchObject({ code: "KV_CORRUPT" });
});

test("E2 a file that cannot be opened says what to look at, and the next call tries again", async () => {
  await using store = sqliteStore({ file: join(folder, "not", "there.db") });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await expect(store.get("k")).rejects.toMatchObject({
      code: "KV_FAILED",
      message: expect.stringContaining("Check its folder"),
    });
  }
});
