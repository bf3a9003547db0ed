import { StoreError, type StoreErrorCode } from "@kv/core";
import type { Explanation } from "@kv/core/driver";

/** Whether an error is the file system's, of one of these codes. */
export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && codes.includes(error.code as string);
}

/** Whether an error is the file system's, of whatever code. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "errno" in error;
}

/** Nothing stands at the path, or at a directory that leads to it. */
export function isMissing(error: unknown): boolean {
  return isErrno(error, "ENOENT");
}

export function corrupt(path: string, why: string, cause?: unknown): StoreError {
  return new StoreError(
    "KV_CORRUPT",
    `the entry in ${path} is damaged: ${why}. set heals it, delete removes it.`,
    { cause },
  );
}

/** What nobody but another program can have put there is left alone. */
export function directoryInPlace(path: string, cause: unknown): StoreError {
  return new StoreError(
    "KV_FAILED",
    `a directory stands where the file of an entry belongs: ${path}. It was left as it is: look what it holds, and move it away.`,
    { cause },
  );
}

/** What is no file, and nobody but another program can have put in the place of a lock, is left alone. */
export function noLock(path: string, cause: unknown): StoreError {
  return new StoreError(
    "KV_FAILED",
    `something that is no lock stands in the place of one: ${path}. Nothing was changed. Look what it is, and move it away.`,
    { cause },
  );
}

/**
 * Whether an error says that what was to be read is no file: a link, a directory, a FIFO, a socket, a device. Some
 * cannot be opened; a FIFO can, and has no positions to read at.
 */
export function isNoFile(error: unknown): boolean {
  return isErrno(error, "ELOOP", "EISDIR", "ENXIO", "ENODEV", "ESPIPE", "EAGAIN");
}

/** Nobody has ever found two texts with the same SHA-256: somebody has moved or renamed a file. */
export function anotherEntry(path: string): StoreError {
  return corrupt(path, "it is the entry of another key or namespace");
}

export function tooLarge(path: string, size: number, cause: unknown): StoreError {
  return new StoreError(
    "KV_FAILED",
    `there is no memory for the entry in ${path}, which takes ${size} bytes. It was left as it is.`,
    { cause },
  );
}

/** A lock was not to be had in time. */
export function notLocked(path: string, timeoutMs: number): StoreError {
  return new StoreError(
    "KV_TIMEOUT",
    `the lock ${path} was not free within ${timeoutMs} ms; nothing was changed. It is held by another process that changes the same key, or has been stopped while it did.`,
  );
}

/** Too long in the queue, or on the way: nothing was begun that changes anything. */
export function notBegun(timeoutMs: number): StoreError {
  return new StoreError(
    "KV_TIMEOUT",
    `calls on the same key that were made earlier took more than ${timeoutMs} ms; nothing was changed.`,
  );
}

/** The disk did not answer a call that only looks. */
export function noAnswer(timeoutMs: number): StoreError {
  return new StoreError(
    "KV_UNAVAILABLE",
    `the disk did not answer within ${timeoutMs} ms; nothing was changed.`,
  );
}

/** The disk did not answer a call that changes something. */
export function unanswered(timeoutMs: number): StoreError {
  return new StoreError(
    "KV_OUTCOME_UNKNOWN",
    `the disk did not answer within ${timeoutMs} ms, so what was asked may or may not have been done.`,
  );
}

/** The change is there for everyone, but the disk could not make it last. */
export function perhapsNotDurable(path: string, cause: unknown): StoreError {
  return new StoreError(
    "KV_OUTCOME_UNKNOWN",
    `the change to ${path} was made, but the disk did not confirm it, so a power cut may undo it.`,
    { cause },
  );
}

export function refusedDirectory(directory: string, why: string): StoreError {
  return new StoreError("KV_DENIED", `${directory} was refused: ${why}`);
}

/** Gives the file system's errors their codes. */
export function explain(error: unknown): Explanation {
  if (!isFileError(error)) return { code: "KV_FAILED", message: "an unexpected error; see the cause." };
  const known = reasons[error.code ?? ""];
  const [code, why] = known ?? ["KV_FAILED", "the file system failed; see the cause"];
  const { path, dest }: NodeJS.ErrnoException & { readonly dest?: string } = error;
  const where = `${path === undefined ? "" : ` at ${path}`}${dest === undefined ? "" : ` -> ${dest}`}`;
  return { code, message: `${why}${where} (${error.code}, ${error.syscall}).` };
}

const full = (what: string): [StoreErrorCode, string] => ["KV_FULL", `${what}; nothing was changed`];

const reasons: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  ENOSPC: full("the disk has no room or no inodes left: make room"),
  EDQUOT: full("the disk quota is used up: make room or raise it"),
  EFBIG: full("the file system takes no file of this size"),
  EMLINK: full("the file system takes no more links or directories there"),
  EROFS: ["KV_READ_ONLY", "the file system is mounted read-only; nothing was changed"],
  EACCES: [
    "KV_DENIED",
    "this user has not the rights: the directory and all in it must belong to the user; nothing was changed",
  ],
  EPERM: ["KV_DENIED", "the file system does not allow it; nothing was changed"],
  EMFILE: [
    "KV_UNAVAILABLE",
    "the process has no file descriptors left: raise its limit (ulimit -n), or look who leaks them; nothing was changed",
  ],
  ENFILE: ["KV_UNAVAILABLE", "the system has no file descriptors left; nothing was changed"],
  ENOMEM: ["KV_UNAVAILABLE", "the system has no memory left; nothing was changed"],
  ENOTDIR: ["KV_FAILED", "something else stands where a directory of the store belongs: look what it is"],
  ENAMETOOLONG: [
    "KV_FAILED",
    "the path is too long: nest namespaces less deep, or choose a shorter directory",
  ],
  EIO: ["KV_FAILED", "the disk failed"],
};
