import type { Duration, FullStore } from "@kv/core";
import { createStore, type Driver, durationMs } from "@kv/core/driver";
import { Connection } from "./connection.ts";
import { explain } from "./explain.ts";
import { sqliteNamespace } from "./sqlite-namespace.ts";

export type SqliteStore = FullStore;

export interface SqliteStoreOptions {
  /** The database. It is created where there is none, in a folder that must be there. */
  readonly file: string;

  /** The longest that a call waits for another process that writes. Default: 5 s. */
  readonly timeout?: Duration | undefined;
}

/** A store in one SQLite file, which the processes of one machine may share. Nothing is touched before the first call. */
export function sqliteStore({ file, timeout = "5s" }: SqliteStoreOptions): SqliteStore {
  const connection = new Connection(file, durationMs(timeout, "timeout"));
  const namespace = (path: readonly string[]) => sqliteNamespace(connection, path);
  const driver = {
    label: `sqlite at ${file}`,
    root: namespace([]),
    namespace,
    explain,
    close: () => connection.close(),
  } satisfies Driver;
  return createStore(driver, { timeout });
}
