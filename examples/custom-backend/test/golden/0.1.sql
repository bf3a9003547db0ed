-- What version 0.1 lays down. Later versions read it, so this file never changes: a new layout gets a file beside it.
CREATE TABLE entries (
  namespace TEXT NOT NULL,
  key BLOB NOT NULL,
  value BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
INSERT INTO entries VALUES ('', CAST('greeting' AS BLOB), CAST('hello' AS BLOB), 9007199254740991);
INSERT INTO entries VALUES ('', x'', x'00ff', 9007199254740991);
INSERT INTO entries VALUES ('tenants/a%20b%2Fc/', CAST('zwölf' AS BLOB), x'', 32503680000000);
