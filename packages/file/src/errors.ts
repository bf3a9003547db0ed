import { normalize } from "node:path";
import { StoreError, type StoreErrorCode } from "@kv/core";
import type { Explanation } from "@kv/core/driver";

/** Whether an error is the file system's, of one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && codes.includes(error.code as string);
}

/** Whether an error is the file system's, of whatever code. Deno gives it no `errno`. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error)) return false;
  return "errno" in error || ("code" in error && /^E[A-Z0-9]+$/.test(String(error.code)));
}

/** Nothing stands at the path, or at a directory that leads to it. */
export function isMissing(error: unknown): boolean {
  return isErrno(error, "ENOENT");
}

/** There is no room for anything new. */
export function isFull(error: unknown): boolean {
  return isErrno(error, "ENOSPC", "EDQUOT");
}

/** What was to be read is a link, a directory, a socket, a device, or a FIFO, which has no positions to read at. */
export function isNoFile(error: unknown): boolean {
  return isErrno(error, "ELOOP", "EISDIR", "ENXIO", "ENODEV", "ESPIPE", "EAGAIN");
}

export const corrupt = (path: string, why: string, cause?: unknown): StoreError =>
  made("KV_CORRUPT", `the entry in ${path} is damaged: ${why}. set heals it, delete removes it.`, cause);
// Nobody has ever found two texts with the same SHA-256: somebody has moved or renamed a file.
export const anotherEntry = (path: string): StoreError =>
  corrupt(path, "it is the entry of another key or namespace");

// What nobody but another program can have put there is left alone.
export const directoryInPlace = (path: string, cause: unknown): StoreError =>
  made("KV_FAILED", `a directory stands where the file of an entry belongs: ${path}. Move it away.`, cause);
export const noLock = (path: string, cause: unknown): StoreError =>
  made("KV_FAILED", `what stands in the place of a lock is none: ${path}. Move it away.`, cause);

export const tooLarge = (path: string, size: number, cause: unknown): StoreError =>
  made("KV_FAILED", `there is no memory for the entry in ${path}, which takes ${size} bytes.`, cause);
export const noHardLinks = (path: string, cause: unknown): StoreError =>
  made("KV_FAILED", `locks are hard links, and the file system at ${path} has none: choose another.`, cause);

export const notLocked = (path: string, ms: number): StoreError =>
  made("KV_TIMEOUT", `others did not release ${path} within ${ms} ms; nothing was changed.`);
export const alwaysStopped = (ms: number, cause: unknown): StoreError =>
  made("KV_TIMEOUT", `for ${ms} ms others stopped the change again and again; nothing was changed.`, cause);
export const notBegun = (ms: number): StoreError =>
  made("KV_TIMEOUT", `calls before it took ${ms} ms; nothing was changed. Make fewer at the same time.`);
export const closed = (): StoreError =>
  made("KV_CLOSED", "the store was closed meanwhile; nothing was changed.");
// The disk did not answer a call that has changed nothing, or one that may have.
export const noAnswer = (ms: number): StoreError =>
  made("KV_UNAVAILABLE", `the disk did not answer within ${ms} ms; nothing was changed.`);
export const unanswered = (ms: number): StoreError =>
  made("KV_OUTCOME_UNKNOWN", `the disk did not answer within ${ms} ms: the change may have been made.`);
export const perhapsNotDurable = (path: string, cause: unknown): StoreError =>
  made("KV_OUTCOME_UNKNOWN", `the change to ${path} was made, but a power cut may undo it.`, cause);
export const partlyDeleted = (path: string, cause: unknown): StoreError =>
  made("KV_OUTCOME_UNKNOWN", `not all of the entries in ${path} were deleted, but some may be.`, cause);
// The disk says that a change failed, and it looks as if it had been made, and unmade by another.
export const lostReply = (path: string, cause: unknown): StoreError =>
  made("KV_OUTCOME_UNKNOWN", `the change to ${path} failed, or its reply was lost: its file is gone.`, cause);

function made(code: StoreErrorCode, message: string, cause?: unknown): StoreError {
  return new StoreError(code, message, { cause });
}

/** Gives the file system's errors their codes. */
export function explain(error: unknown): Explanation {
  if (!isFileError(error)) return { code: "KV_FAILED", message: "an unexpected error; see the cause." };
  const { path, dest }: NodeJS.ErrnoException & { readonly dest?: string } = error;
  const [code, why] = reasons[error.code ?? ""] ?? ["KV_FAILED", "the file system failed; see the cause"];
  const unchanged = code === "KV_FAILED" ? "" : "; nothing was changed";
  const where = path === undefined ? "" : ` at ${normalize(path)}`;
  const to = dest === undefined ? "" : ` -> ${normalize(dest)}`;
  return { code, message: `${why}${unchanged}${where}${to} (${error.code}, ${error.syscall}).` };
}

const reasons: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  ENOSPC: ["KV_FULL", "the disk has no room or no inodes left: make room"],
  EDQUOT: ["KV_FULL", "the disk quota is used up: make room or raise it"],
  EFBIG: ["KV_FULL", "the file system takes no file of this size"],
  EMLINK: ["KV_FULL", "the file system takes no more links or directories there"],
  EROFS: ["KV_READ_ONLY", "the file system is mounted read-only"],
  EACCES: ["KV_DENIED", "this user has not the rights: the directory and all in it must belong to the user"],
  EPERM: ["KV_DENIED", "the file system does not allow it"],
  EMFILE: ["KV_UNAVAILABLE", "the process has no file descriptors left: raise them (ulimit -n)"],
  ENFILE: ["KV_UNAVAILABLE", "the system has no file descriptors left"],
  ENOMEM: ["KV_UNAVAILABLE", "the system has no memory left"],
  ESTALE: ["KV_UNAVAILABLE", "the file was replaced on the server again and again while it was read"],
  ENOTDIR: ["KV_FAILED", "something else stands where a directory of the store belongs: look what it is"],
  ENAMETOOLONG: ["KV_FAILED", "the path is too long: nest namespaces less deep, or shorten the directory"],
  EIO: ["KV_FAILED", "the disk failed"],
};
