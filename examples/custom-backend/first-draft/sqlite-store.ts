import { createStore, type Driver } from "@kv/core/driver";
import Database from "libsql";

/** A first draft, which looks right. */
export function sqliteStore({ file }: { readonly file: string }) {
  const db = new Database(file);
  db.exec(`
    CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT, expires_at REAL)
  `);
  const find = (key: string) => {
    const row = db.prepare("SELECT value, expires_at FROM entries WHERE key = ?").raw().get([key]) as
      | [string, number | null]
      | undefined;
    if (row === undefined || (row[1] !== null && row[1] < Date.now())) return undefined;
    return { value: Buffer.from(row[0]), expiresAtMs: row[1] ?? Infinity };
  };
  const write = (key: string, value: Uint8Array | string, expiresAtMs: number) => {
    db.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)").run([
      key,
      value.toString(),
      expiresAtMs === Infinity ? null : expiresAtMs,
    ]);
  };
  const renew = (key: string, renewForMs: number) => {
    const entry = find(key);
    if (entry !== undefined) write(key, entry.value, Date.now() + renewForMs);
    return entry;
  };

  return createStore({
    label: `sqlite at ${file}`,
    root: {
      get: (key) => find(key)?.value,
      getAndRenew: (key, renewForMs) => renew(key, renewForMs)?.value,
      set(key, value, expiry) {
        write(key, value, expiry === "keep" ? (find(key)?.expiresAtMs ?? Infinity) : Date.now() + expiry);
      },
      touch: (key, renewForMs) => renew(key, renewForMs) !== undefined,
      delete: (key) => db.prepare("DELETE FROM entries WHERE key = ?").run([key]).changes > 0,
      exists: (key) => find(key) !== undefined,
      expiresInMs(key) {
        const entry = find(key);
        return entry === undefined ? undefined : entry.expiresAtMs - Date.now();
      },
      deleteAll() {
        db.exec("DELETE FROM entries");
      },
    },
    close() {
      db.close();
    },
  } satisfies Driver);
}
