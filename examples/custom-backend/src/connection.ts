import Database from "libsql";

type Parameter = Uint8Array | string | number | null;
type Row = readonly (Buffer | string | number | null)[];

/** What an entry without expiry has as its end, so that one comparison says whether it is there. */
export const never = Number.MAX_SAFE_INTEGER;

// Keys are blobs: SQLite hands out text only up to a NUL.
const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    namespace TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (namespace, key)
  ) WITHOUT ROWID
`;

/** The database, opened by the first call (L4), with each statement prepared once. */
export class Connection {
  readonly #file: string;
  readonly #timeoutMs: number;
  readonly #statements = new Map<string, Database.Statement>();
  #opened: Database.Database | undefined;

  constructor(file: string, timeoutMs: number) {
    this.#file = file;
    this.#timeoutMs = timeoutMs;
  }

  /** The first row, as an array. */
  row(sql: string, ...parameters: Parameter[]): Row | undefined {
    // Asks for all rows, so that the statement runs to its end.
    return this.rows(sql, ...parameters)[0];
  }

  rows(sql: string, ...parameters: Parameter[]): Row[] {
    return this.#prepared(sql).raw().all(parameters) as Row[];
  }

  /** How many rows a statement changed. */
  change(sql: string, ...parameters: Parameter[]): number {
    return this.atomically(() => this.#prepared(sql).run(parameters).changes);
  }

  /**
   * Does some work in one step: what it reads, nobody changes before it has written. Whatever writes goes through here,
   * a single statement too, so that it is BEGIN which waits for other writers and fails: a prepared statement of libsql
   * that fails stays in progress, and no transaction can end after it.
   */
  atomically<T>(work: () => T): T {
    const database = this.#database();
    return database.inTransaction ? work() : database.transaction(work).immediate();
  }

  close(): void {
    this.#statements.clear();
    this.#opened?.close();
  }

  #database(): Database.Database {
    if (this.#opened !== undefined) return this.#opened;
    const database = new Database(this.#file);
    // Waits for another writer, instead of failing immediately.
    database.exec(`PRAGMA busy_timeout = ${this.#timeoutMs}`);
    // Readers and a writer do not wait for each other; a crash of the process loses nothing.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    database.exec(schema);
    this.#opened = database;
    return database;
  }

  #prepared(sql: string): Database.Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
