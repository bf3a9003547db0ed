import { dirname } from "node:path";
import { isErrno, isFileError, isMissing } from "./errors.ts";
import { type Disk, type Files, toRead } from "./files.ts";
import { descriptors } from "./gate.ts";
import { answered, type Io } from "./io.ts";

/**
 * Makes a directory, and those that lead to it where they are missing.
 *
 * @param within one that must be there: where it is missing too, nothing is made, and the error is `ENOENT`
 */
export function* makeDirectories(files: Files, path: string, within?: string): Io<void> {
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
export function* makeDirectory(files: Files, path: string): Io<void> {
  try {
    yield* answered(files.makeDirectory(path));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

/** What a directory holds; nothing where it is not there. */
export function* listed(files: Files, path: string): Io<string[]> {
  yield* entered();
  try {
    return yield* answered(files.list(path));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  } finally {
    descriptors.leave();
  }
}

/** Removes a directory if it is one, and empty. */
export function* removeIfEmpty(files: Files, path: string): Io<boolean> {
  try {
    yield* answered(files.removeDirectory(path));
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY", "ENOTDIR")) return false;
    throw error;
  }
}

/** Removes a directory, if it is there, and the files in it, also those that come while it does. */
function* removeWithFiles(files: Files, path: string): Io<void> {
  for (;;) {
    try {
      return yield* answered(files.removeDirectory(path));
    } catch (error) {
      if (isMissing(error)) return;
      if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw error;
    }
    for (const name of yield* listed(files, path)) yield* removeIfThere(files, `${path}/${name}`);
  }
}

/** The same, where nobody needs it. Where that fails it is litter. */
export function* discardWithFiles(files: Files, path: string): Io<void> {
  try {
    yield* removeWithFiles(files, path);
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

/** What the name of a directory ends with while it is being shut. */
export const shutSuffix = ".shut";

/**
 * Stops an owner in one of its directories: when this is done, no rename out of it or into it is done any more. It gets
 * another name first, under which its owner does not look for it, and is then removed: a rename that had found it before,
 * and waits in the system, would still be done. Where whoever does this is killed in between, others find it there.
 */
export function* shut(files: Files, path: string): Io<void> {
  const shutting = path.endsWith(shutSuffix) ? path : path + shutSuffix;
  if (shutting !== path) yield* movedIfThere(files, path, shutting);
  yield* removeWithFiles(files, shutting);
}

function* removeIfThere(files: Files, path: string): Io<void> {
  try {
    yield* answered(files.unlink(path));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Whether there is anything at a path. */
export function* isThere(files: Files, path: string): Io<boolean> {
  return (yield* answered(files.statAt(path))) !== undefined;
}

/** Removes a file that nobody needs. Where that fails it is litter, and is swept with the directory. */
export function* discard(files: Files, path: string): Io<void> {
  try {
    yield* answered(files.unlink(path));
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

/** Renames, where it is still there. */
export function* movedIfThere(files: Files, from: string, to: string): Io<boolean> {
  try {
    yield* answered(files.rename(from, to));
    return true;
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (yield* isThere(files, from)) throw error; // what is missing was the place to go to
    return false;
  }
}

/** Opens, works and closes, with no more descriptors at a time than `descriptors` allows. */
export function* withFile<T>(files: Files, path: string, flags: number, work: (fd: number) => Io<T>): Io<T> {
  yield* entered();
  try {
    const fd = yield* answered(files.open(path, flags));
    try {
      return yield* work(fd);
    } finally {
      yield* answered(files.close(fd));
    }
  } catch (error) {
    // Of a call on a descriptor the system does not say which file it was.
    if (isFileError(error)) error.path ??= path;
    throw error;
  } finally {
    descriptors.leave();
  }
}

/** Makes what a directory holds last over a power cut. */
export function* syncDirectory(disk: Disk, path: string): Io<void> {
  if (process.platform === "win32") return; // a directory cannot be opened there, and NTFS logs names by itself
  // With the dot, a symbolic link is followed: the directory of a store may be one, and what it lies in.
  yield* withFile(disk.now, `${path}/.`, toRead, (fd) => answered(disk.later.sync(fd)));
}

/** The same, where it is there. Gives whether it is. */
export function* syncIfThere(disk: Disk, path: string): Io<boolean> {
  try {
    yield* syncDirectory(disk, path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** The same for all on the way from a directory up to one that leads to it: what is not there any more stays so. */
export function* syncUpTo(disk: Disk, path: string, top: string): Io<void> {
  yield* syncIfThere(disk, path);
  if (path !== top && dirname(path) !== path) yield* syncUpTo(disk, dirname(path), top);
}

function* entered(): Io<void> {
  const waiting = descriptors.enter();
  if (waiting !== undefined) yield waiting;
}
