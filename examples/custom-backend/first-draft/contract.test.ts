import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testStore } from "@kv/testkit/vitest";
import { sqliteStore } from "./sqlite-store.ts";

testStore({
  name: "sqliteStore",
  capabilities: [],
  open() {
    const folder = mkdtempSync(join(tmpdir(), "kv-sqlite-"));
    const file = join(folder, "store.db");
    const store = sqliteStore({ file });
    return {
      store,
      untouched: () => !existsSync(file),
      async dispose() {
        await store.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
});
