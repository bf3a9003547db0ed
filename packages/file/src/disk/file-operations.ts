import { dirname } from "node:path";
import { isErrno, isFileError, isNotFound, noHardLinks } from "../errors/errors.ts";
import { type Disk, type FileSystem, readFlags } from "./file-system.ts";
import { type Gensync, wait } from "./gensync.ts";

/** Does work, and returns whether it could be done: not where the file system fails with one of these codes. */
export function* attempt(work: () => Gensync<unknown>, ...codes: readonly string[]): Gensync<boolean> {
  try {
    yield* work();
    return true;
  } catch (error) {
    if (isErrno(error, ...codes)) return false;
    throw error;
  }
}

/** Does work that may fail: files that it leaves behind are removed with the directory that holds them. */
export function* ignoreFileErrors(work: Gensync<unknown>): Gensync<void> {
  try {
    yield* work;
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

/**
 * Makes a directory, and those that lead to it where they are missing.
 *
 * @param within one that must exist: where it is missing too, nothing is made, and the error is `ENOENT`
 */
export function* makeDirectories(files: FileSystem, path: string, within?: string): Gensync<void> {
  try {
    yield* makeDirectory(files, path);
  } catch (error) {
    const above = dirname(path);
    if (!isNotFound(error) || above === within || above === path) throw error;
    yield* makeDirectories(files, above, within);
    yield* makeDirectory(files, path);
  }
}

/** Makes a directory if there is nothing at its path. */
export function* makeDirectory(files: FileSystem, path: string): Gensync<void> {
  yield* attempt(() => wait(files.makeDirectory(path)), "EEXIST");
}

/** Lists the names in a directory; none where it does not exist. */
export function* listDirectory(files: FileSystem, path: string): Gensync<string[]> {
  try {
    return yield* wait(files.list(path));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Removes a directory if it is one, and empty. Returns whether nothing is left at its path. */
export function* removeIfEmpty(files: FileSystem, path: string): Gensync<boolean> {
  try {
    yield* wait(files.removeDirectory(path));
  } catch (error) {
    if (isErrno(error, "ENOTEMPTY", "EEXIST", "EBUSY", "ENOTDIR")) return false;
    if (!isNotFound(error)) throw error;
  }
  return true;
}

/** Removes a directory, if it exists, and the files in it, the one called `last` when all others are gone. */
export function* removeWithFiles(files: FileSystem, path: string, last: string): Gensync<void> {
  for (;;) {
    try {
      return yield* wait(files.removeDirectory(path));
    } catch (error) {
      if (isNotFound(error)) return;
      if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw error;
    }
    const names = yield* listDirectory(files, path);
    const others = names.filter((name) => name !== last);
    for (const name of others.length > 0 ? others : names) {
      yield* attempt(() => wait(files.unlink(`${path}/${name}`)), "ENOENT");
    }
  }
}

/** Removes a file that nobody needs. */
export function discard(files: FileSystem, path: string): Gensync<void> {
  return ignoreFileErrors(attempt(() => wait(files.unlink(path))));
}

/** Tells whether there is anything at a path. */
export function* exists(files: FileSystem, path: string): Gensync<boolean> {
  return (yield* wait(files.statAt(path))) !== undefined;
}

export function* isDirectory(files: FileSystem, path: string): Gensync<boolean> {
  return (yield* wait(files.statAt(path)))?.isDirectory() ?? false;
}

/** Makes a hard link, and returns whether it was made: not where something exists at its path. */
export function* tryLink(files: FileSystem, existing: string, path: string): Gensync<boolean> {
  try {
    yield* wait(files.link(existing, path));
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw isErrno(error, "EPERM", "ENOTSUP", "ENOSYS") ? noHardLinks(path, error) : error;
  }
}

/** Renames a file or directory, and returns whether it existed. */
export function* moveIfExists(files: FileSystem, from: string, to: string): Gensync<boolean> {
  try {
    yield* wait(files.rename(from, to));
    return true;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (yield* exists(files, to)) return true; // done, and the reply was lost
    if (yield* exists(files, from)) throw error; // the directory to move it to is missing
    return false;
  }
}

/** Opens a file, works on it and closes it. */
export function* withFile<T>(
  files: FileSystem,
  path: string,
  flags: number,
  work: (fd: number) => Gensync<T>,
): Gensync<T> {
  try {
    const fd = yield* wait(files.open(path, flags));
    try {
      return yield* work(fd);
    } finally {
      yield* wait(files.close(fd));
    }
  } catch (error) {
    // Of a call on a descriptor the system does not say which file it was.
    if (isFileError(error)) error.path ??= path;
    throw error;
  }
}

/** Syncs a directory, so that the names in it outlast a power cut. */
export function* syncDirectory(disk: Disk, path: string): Gensync<void> {
  if (process.platform === "win32") return; // a directory cannot be opened there, and NTFS logs names by itself
  // With the dot, a symbolic link is followed: the directory of a store may be one.
  yield* withFile(disk.inline, `${path}/.`, readFlags, (fd) => wait(disk.pooled.sync(fd)));
}
