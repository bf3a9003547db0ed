import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@kv/core";
import type { Opened } from "@kv/testkit";
import { openInProcess } from "@kv/testkit/process";
import { testStore } from "@kv/testkit/vitest";
import Database from "libsql";
import { sqliteStore } from "../src/index.ts";
import { goldenEntries } from "./golden-entries.ts";

testStore({
  name: "sqliteStore",
  capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
  open: () => open(),
  golden: [{ version: "0.1", entries: goldenEntries, open: () => open("./golden/0.1.sql") }],
});

/** A store on a file of its own and, over the same file, another handle and another process. */
function open(golden?: string): Opened {
  const folder = mkdtempSync(join(tmpdir(), "kv-sqlite-"));
  const file = join(folder, "store.db");
  if (golden !== undefined) execute(file, readFileSync(new URL(golden, import.meta.url), "utf8"));

  const opened: Store[] = [];
  const keep = <S extends Store>(store: S): S => {
    opened.push(store);
    return store;
  };
  const module = new URL("./serve-store.ts", import.meta.url);
  return {
    store: keep(sqliteStore({ file })),
    openAgain: () => keep(sqliteStore({ file })),
    openElsewhere: async () =>
      keep(await openInProcess(module, { args: [file], execArgv: ["--import", "tsx"] })),
    openImpatient: (timeoutMs) => keep(sqliteStore({ file, timeout: `${timeoutMs}ms` })),
    fail() {
      // In the place of the table stands a view of nothing: nobody who opens the file meanwhile makes a new table.
      execute(file, "ALTER TABLE entries RENAME TO away; CREATE VIEW entries AS SELECT * FROM nowhere");
      return () => execute(file, "DROP VIEW entries; ALTER TABLE away RENAME TO entries");
    },
    untouched: () => !existsSync(file),
    async dispose() {
      await Promise.allSettled(opened.map((store) => store.close()));
      rmSync(folder, { recursive: true });
    },
  };
}

function execute(file: string, sql: string): void {
  const database = new Database(file);
  database.exec("PRAGMA busy_timeout = 5000"); // waits for another writer
  database.exec(sql);
  database.close();
}
