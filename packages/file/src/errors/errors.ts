import { normalize } from "node:path";
import { StoreError, type StoreErrorCode } from "@kv/core";
import type { Explanation } from "@kv/core/driver";

/** Tells whether an error is the file system's, of one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && codes.includes(error.code as string);
}

/** Tells whether an error is the file system's, of any code. Deno gives it no `errno`. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  return "errno" in error || ("code" in error && /^E[A-Z0-9]+$/.test(String(error.code)));
}

/** Tells whether nothing is at the path, or at a directory that leads to it. */
export function isNotFound(error: unknown): boolean {
  return isErrno(error, "ENOENT");
}

/** Tells whether there is no room for anything new. */
export function isFull(error: unknown): boolean {
  return isErrno(error, "ENOSPC", "EDQUOT");
}

/** Tells whether what was to be read is a link, a directory, a socket, a device, or a FIFO. */
export function isNotRegularFile(error: unknown): boolean {
  return isErrno(error, "ELOOP", "EISDIR", "ENXIO", "ENODEV", "ESPIPE", "EAGAIN");
}

export const corrupt = (path: string, why: string, cause?: unknown): StoreError =>
  storeError(
    "KV_CORRUPT",
    `the entry in ${path} is damaged: ${why}. set heals it, delete removes it.`,
    cause,
  );
// Nobody has ever found two texts with the same SHA-256: somebody has moved or renamed a file.
export const wrongEntry = (path: string): StoreError =>
  corrupt(path, "it is the entry of another key or namespace");

// What nobody but another program can have put there is left alone.
export const directoryInTheWay = (path: string, cause: unknown): StoreError =>
  storeError("KV_FAILED", `a directory is where the file of an entry belongs: ${path}. Move it away.`, cause);
export const notALock = (path: string, cause: unknown): StoreError =>
  storeError("KV_FAILED", `${path} is not a lock of a store. Move it away.`, cause);

export const tooLarge = (path: string, size: number, cause: unknown): StoreError =>
  storeError("KV_FAILED", `there is no memory for the entry in ${path}, which takes ${size} bytes.`, cause);
export const noHardLinks = (path: string, cause: unknown): StoreError =>
  storeError(
    "KV_FAILED",
    `locks are hard links, and the file system at ${path} has none: choose another.`,
    cause,
  );

export const lockTimeout = (path: string, ms: number): StoreError =>
  storeError("KV_TIMEOUT", `others did not release ${path} within ${ms} ms; nothing was changed.`);
export const abortedRepeatedly = (ms: number, cause: unknown): StoreError =>
  storeError(
    "KV_TIMEOUT",
    `others aborted the change again and again for ${ms} ms; nothing was changed.`,
    cause,
  );
export const queueTimeout = (ms: number): StoreError =>
  storeError("KV_TIMEOUT", `earlier calls took ${ms} ms; nothing was changed. Make fewer at the same time.`);
export const storeClosed = (): StoreError =>
  storeError("KV_CLOSED", "the store was closed meanwhile; nothing was changed.");
// The disk did not reply to a call that has changed nothing, or to one that may have.
export const diskTimeout = (ms: number): StoreError =>
  storeError("KV_UNAVAILABLE", `the disk did not reply within ${ms} ms; nothing was changed.`);
export const outcomeUnknown = (ms: number): StoreError =>
  storeError(
    "KV_OUTCOME_UNKNOWN",
    `the disk did not reply within ${ms} ms after the change was sent: it may have been made.`,
  );
export const durabilityUnknown = (path: string, cause: unknown): StoreError =>
  storeError("KV_OUTCOME_UNKNOWN", `the change to ${path} was made, but a power cut may undo it.`, cause);
export const partlyDeleted = (path: string, cause: unknown): StoreError =>
  storeError("KV_OUTCOME_UNKNOWN", `not all of the entries in ${path} were deleted, but some may be.`, cause);
// The disk says that a change failed, but it looks as if it had been made, and undone by another.
export const lostReply = (path: string, cause: unknown): StoreError =>
  storeError(
    "KV_OUTCOME_UNKNOWN",
    `the change to ${path} failed, or its reply was lost: its file is gone.`,
    cause,
  );

function storeError(code: StoreErrorCode, message: string, cause?: unknown): StoreError {
  return new StoreError(code, message, { cause });
}

/** Maps the file system's errors to codes. */
export function explain(error: unknown): Explanation {
  if (!isFileError(error)) return { code: "KV_FAILED", message: "an unexpected error; see the cause." };
  const { path, dest }: NodeJS.ErrnoException & { readonly dest?: string } = error;
  const [code, why] = explanations[error.code ?? ""] ?? [
    "KV_FAILED",
    "the file system failed; see the cause",
  ];
  const unchanged = code === "KV_FAILED" ? "" : "; nothing was changed";
  const where = path === undefined ? "" : ` at ${normalize(path)}`;
  const to = dest === undefined ? "" : ` -> ${normalize(dest)}`;
  return { code, message: `${why}${unchanged}${where}${to} (${error.code}, ${error.syscall}).` };
}

const explanations: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  ENOSPC: ["KV_FULL", "the disk has no room or no inodes left: make room"],
  EDQUOT: ["KV_FULL", "the disk quota is used up: make room or raise it"],
  EFBIG: ["KV_FULL", "the file is too large for the file system"],
  EMLINK: ["KV_FULL", "the file system allows no more links or directories there"],
  EROFS: ["KV_READ_ONLY", "the file system is mounted read-only"],
  EACCES: ["KV_DENIED", "permission denied: the directory and all in it must belong to the user"],
  EPERM: ["KV_DENIED", "the file system does not permit this operation"],
  EMFILE: ["KV_UNAVAILABLE", "the process has no file descriptors left: raise the limit (ulimit -n)"],
  ENFILE: ["KV_UNAVAILABLE", "the system has no file descriptors left"],
  ENOMEM: ["KV_UNAVAILABLE", "the system has no memory left"],
  ESTALE: ["KV_UNAVAILABLE", "the file was replaced on the server again and again while it was read"],
  ENOTDIR: ["KV_FAILED", "something else is where a directory of the store belongs: move it away"],
  ENAMETOOLONG: ["KV_FAILED", "the path is too long: nest namespaces less deep, or shorten the directory"],
  EIO: ["KV_FAILED", "the disk failed"],
};
