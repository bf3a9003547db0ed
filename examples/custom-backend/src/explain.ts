import type { StoreErrorCode } from "@kv/core";
import type { Explanation } from "@kv/core/driver";

/** The code and the words for an error of SQLite. None of its own messages holds a key or a value. */
export function explain(error: unknown): Explanation {
  const code = error instanceof Error ? String(Reflect.get(error, "code")) : "";
  const [, known = failed] = explanations.find(([begin]) => code.startsWith(begin)) ?? [];
  return known;
}

const failed = explanation(
  "KV_FAILED",
  "the database failed, or cannot be opened; see the cause. Check its folder and the rights on it.",
);

const explanations: readonly (readonly [string, Explanation])[] = [
  [
    "SQLITE_BUSY",
    explanation("KV_TIMEOUT", "another process kept the database locked. Nothing was changed."),
  ],
  ["SQLITE_FULL", explanation("KV_FULL", "the disk is full.")],
  ["SQLITE_READONLY", explanation("KV_READ_ONLY", "the database, or its disk, takes no writes.")],
  ["SQLITE_CORRUPT", explanation("KV_CORRUPT", "the database is damaged.")],
  ["SQLITE_NOTADB", explanation("KV_CORRUPT", "the file is no SQLite database.")],
];

function explanation(code: StoreErrorCode, message: string): Explanation {
  return { code, message };
}
