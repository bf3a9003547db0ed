import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "@kv/core";
import type { Harness } from "@kv/testkit";
import { openInProcess } from "@kv/testkit/process";
import { testStore } from "@kv/testkit/vitest";
import Database from "libsql";
import { sqliteStore } from "../src/index.ts";

const harness: Harness = {
  name: "sqliteStore",
  capabilities: ["namespaces", "batch", "atomic", "listing", "expiry"],
  open() {
    const folder = mkdtempSync(join(tmpdir(), "kv-sqlite-"));
    const file = join(folder, "store.db");
    const opened: Store[] = [];
    const keep = <S extends Store>(store: S): S => {
      opened.push(store);
      return store;
    };
    return {
      store: keep(sqliteStore({ file })),
      openAgain: () => keep(sqliteStore({ file })),
      openElsewhere: async () =>
        keep(
          await openInProcess(new URL("./serve-store.ts", import.meta.url), {
            args: [file],
            execArgv: ["--import", "tsx"],
          }),
        ),
      fail() {
        const database = new Database(file);
        database.exec("ALTER TABLE entries RENAME TO away");
        return () => {
          database.exec("ALTER TABLE away RENAME TO entries");
          database.close();
        };
      },
      untouched: () => !existsSync(file),
      async dispose() {
        await Promise.allSettled(opened.map((store) => store.close()));
        rmSync(folder, { recursive: true });
      },
    };
  },
};

testStore(harness);
