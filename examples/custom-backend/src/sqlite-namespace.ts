import { addToInteger, type DriverValue, type Expiry, type FullDriverNamespace } from "@kv/core/driver";
import { type Connection, never } from "./connection.ts";
import { childOf, endOf, nameOf, placeOf } from "./place.ts";

/** How many keys a listing takes at a time. */
const pageLength = 500;

// An entry is there while its end lies ahead.
const live = "namespace = ? AND key = ? AND expires_at > ?";
const below = "namespace >= ? AND namespace < ?";

/**
 * One namespace. Every method is one statement, or one transaction where it has to look first, so it is one step for all
 * processes, and calls take effect in the order in which they are made.
 */
export function sqliteNamespace(connection: Connection, path: readonly string[]): FullDriverNamespace {
  const place = placeOf(path);
  const end = endOf(place);

  const get = (key: string): Uint8Array | undefined => {
    const sql = `SELECT value FROM entries WHERE ${live}`;
    return connection.row(sql, place, bytesOf(key), Date.now())?.[0] as Buffer | undefined;
  };

  const renew = (key: string, renewForMs: number): Uint8Array | undefined => {
    const sql = `
      UPDATE entries SET expires_at = CASE expires_at WHEN ${never} THEN expires_at ELSE ? END
      WHERE ${live} RETURNING value`;
    const row = connection.atomically(() =>
      connection.row(sql, endingIn(renewForMs), place, bytesOf(key), Date.now()),
    );
    return row?.[0] as Buffer | undefined;
  };

  const set = (key: string, value: DriverValue, expiry: Expiry): void => {
    // The expiry of an entry that has expired is not kept: it is not there.
    const kept = `CASE WHEN expires_at > ? THEN expires_at ELSE ${never} END`;
    const sql = `
      INSERT INTO entries VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = `;
    const entry = [place, bytesOf(key), bytesOf(value)] as const;
    if (expiry === "keep") connection.change(sql + kept, ...entry, never, Date.now());
    else connection.change(`${sql}excluded.expires_at`, ...entry, endingIn(expiry));
  };

  const remove = (key: string): boolean =>
    connection.change(`DELETE FROM entries WHERE ${live}`, place, bytesOf(key), Date.now()) > 0;

  const expiresInMs = (key: string): number | undefined => {
    const now = Date.now();
    const row = connection.row(`SELECT expires_at FROM entries WHERE ${live}`, place, bytesOf(key), now);
    if (row === undefined) return undefined;
    return row[0] === never ? Number.POSITIVE_INFINITY : Number(row[0]) - now;
  };

  return {
    get,
    getAndRenew: renew,
    set,
    touch: (key, renewForMs) => renew(key, renewForMs) !== undefined,
    delete: remove,
    exists: (key) => expiresInMs(key) !== undefined,
    expiresInMs,
    deleteAll() {
      connection.change(`DELETE FROM entries WHERE ${below}`, place, end);
    },

    getMany: (keys) => keys.map(get),
    setMany(entries, expiry) {
      connection.atomically(() => {
        for (const [key, value] of entries) set(key, value, expiry);
      });
    },
    deleteMany: (keys) => connection.atomically(() => [...keys].filter(remove).length),

    increment: (key, by, createdForMs) =>
      connection.atomically(() => {
        const found = get(key);
        const value = addToInteger(found, by);
        set(key, String(value), found === undefined ? createdForMs : "keep");
        return { value, expiresInMs: expiresInMs(key) ?? createdForMs };
      }),
    setIfAbsent(key, value, forMs) {
      const sql = `
        INSERT INTO entries VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
        WHERE expires_at <= ?`;
      return connection.change(sql, place, bytesOf(key), bytesOf(value), endingIn(forMs), Date.now()) > 0;
    },
    compareAndSet: (key, expected, value, expiry) =>
      connection.atomically(() => {
        if (!isHeld(get(key), expected)) return false;
        set(key, value, expiry);
        return true;
      }),
    compareAndDelete(key, expected) {
      const sql = `DELETE FROM entries WHERE ${live} AND value = ?`;
      return connection.change(sql, place, bytesOf(key), Date.now(), bytesOf(expected)) > 0;
    },
    take(key) {
      const sql = `DELETE FROM entries WHERE ${live} RETURNING value`;
      const row = connection.atomically(() => connection.row(sql, place, bytesOf(key), Date.now()));
      return row?.[0] as Buffer | undefined;
    },

    async *keys(prefix) {
      const sql = `
        SELECT key FROM entries
        WHERE namespace = ? AND key >= ? AND key < ? AND (? IS NULL OR key > ?) AND expires_at > ?
        ORDER BY key LIMIT ${pageLength}`;
      const from = bytesOf(prefix);
      const behind = Buffer.concat([from, Buffer.of(0xff)]); // no UTF-8 holds this byte
      let last: Buffer | null = null;
      while (true) {
        const page: Buffer[] = connection
          .rows(sql, place, from, behind, last, last, Date.now())
          .map((row) => row[0] as Buffer);
        yield page.map((key) => key.toString());
        if (page.length < pageLength) return;
        last = page.at(-1) ?? null;
      }
    },
    async *namespaces() {
      const sql = `
        SELECT namespace FROM entries WHERE namespace > ? AND namespace < ? AND expires_at > ?
        ORDER BY namespace LIMIT 1`;
      let behind = place;
      while (true) {
        const found = connection.row(sql, behind, end, Date.now())?.[0];
        if (found === undefined) return;
        const child = childOf(place, String(found));
        yield [nameOf(place, child)];
        behind = endOf(child); // over all that lies in it
      }
    },

    deleteExpired: () =>
      connection.change(`DELETE FROM entries WHERE ${below} AND expires_at <= ?`, place, end, Date.now()),
  };
}

function bytesOf(text: Uint8Array | string): Buffer {
  return typeof text === "string"
    ? Buffer.from(text)
    : Buffer.from(text.buffer, text.byteOffset, text.length);
}

/** When an entry ends that lives so long. */
function endingIn(forMs: number): number {
  return forMs === Number.POSITIVE_INFINITY ? never : Date.now() + forMs;
}

function isHeld(held: Uint8Array | undefined, expected: DriverValue): boolean {
  return held !== undefined && bytesOf(expected).equals(held);
}
