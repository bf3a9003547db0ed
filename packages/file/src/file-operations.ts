import { dirname } from "node:path";
import { isErrno, isFileError, isMissing, noHardLinks } from "./errors.ts";
import { type Disk, type Files, toRead } from "./files.ts";
import { type Gensync, wait } from "./gensync.ts";

/** Gives whether work could be done: not where the file system answers with one of these codes. */
export function* attempt(work: () => Gensync<unknown>, ...codes: readonly string[]): Gensync<boolean> {
  try {
    yield* work();
    return true;
  } catch (error) {
    if (isErrno(error, ...codes)) return false;
    throw error;
  }
}

/** Does what nobody needs. Where that fails there is litter, which is removed with the directory that it lies in. */
export function* tried(work: Gensync<unknown>): Gensync<void> {
  try {
    yield* work;
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

/**
 * Makes a directory, and those that lead to it where they are missing.
 *
 * @param within one that must be there: where it is missing too, nothing is made, and the error is `ENOENT`
 */
export function* makeDirectories(files: Files, path: string, within?: string): Gensync<void> {
  try {
    yield* makeDirectory(files, path);
  } catch (error) {
    const above = dirname(path);
    if (!isMissing(error) || above === within || above === path) throw error;
    yield* makeDirectories(files, above, within);
    yield* makeDirectory(files, path);
  }
}

/** Makes a directory if it is not there. */
export function* makeDirectory(files: Files, path: string): Gensync<void> {
  yield* attempt(() => wait(files.makeDirectory(path)), "EEXIST");
}

/** What a directory holds; nothing where it is not there. */
export function* listed(files: Files, path: string): Gensync<string[]> {
  try {
    return yield* wait(files.list(path));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Removes a directory if it is one, and empty. Gives whether nothing is there any more. */
export function* removeIfEmpty(files: Files, path: string): Gensync<boolean> {
  try {
    yield* wait(files.removeDirectory(path));
  } catch (error) {
    if (isErrno(error, "ENOTEMPTY", "EEXIST", "EBUSY", "ENOTDIR")) return false;
    if (!isMissing(error)) throw error;
  }
  return true;
}

/** Removes a directory, if it is there, and the files in it, the one called `last` when all others are gone. */
export function* removeWithFiles(files: Files, path: string, last: string): Gensync<void> {
  for (;;) {
    try {
      return yield* wait(files.removeDirectory(path));
    } catch (error) {
      if (isMissing(error)) return;
      if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw error;
    }
    const names = yield* listed(files, path);
    const others = names.filter((name) => name !== last);
    for (const name of others.length > 0 ? others : names) {
      yield* attempt(() => wait(files.unlink(`${path}/${name}`)), "ENOENT");
    }
  }
}

/** Removes a file that nobody needs. */
export function discard(files: Files, path: string): Gensync<void> {
  return tried(attempt(() => wait(files.unlink(path))));
}

/** Whether there is anything at a path. */
export function* isThere(files: Files, path: string): Gensync<boolean> {
  return (yield* wait(files.statAt(path))) !== undefined;
}

export function* isDirectory(files: Files, path: string): Gensync<boolean> {
  return (yield* wait(files.statAt(path)))?.isDirectory() ?? false;
}

/** Makes a hard link. Gives whether it was made: not where something is at its path already. */
export function* linked(files: Files, existing: string, path: string): Gensync<boolean> {
  try {
    return yield* attempt(() => wait(files.link(existing, path)), "EEXIST");
  } catch (error) {
    throw isErrno(error, "EPERM", "ENOTSUP", "ENOSYS") ? noHardLinks(path, error) : error;
  }
}

/** Renames, where it is still there. */
export function* movedIfThere(files: Files, from: string, to: string): Gensync<boolean> {
  try {
    yield* wait(files.rename(from, to));
    return true;
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (yield* isThere(files, to)) return true; // done, and the reply was lost
    if (yield* isThere(files, from)) throw error; // what is missing was the place to go to
    return false;
  }
}

/** Opens, works and closes. */
export function* withFile<T>(
  files: Files,
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

/** Makes what a directory holds last over a power cut. */
export function* syncDirectory(disk: Disk, path: string): Gensync<void> {
  if (process.platform === "win32") return; // a directory cannot be opened there, and NTFS logs names by itself
  // With the dot, a symbolic link is followed: the directory of a store may be one.
  yield* withFile(disk.now, `${path}/.`, toRead, (fd) => wait(disk.later.sync(fd)));
}
