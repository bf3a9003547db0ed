import { dirname } from "node:path";
import { attempt, ignoreFileErrors, syncDirectory, withFile } from "../disk/file-operations.ts";
import { readFlags } from "../disk/file-system.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import { isNotFound } from "../errors/errors.ts";
import type { StoreDirectory } from "./store-directory.ts";

/** The sticky bit of a directory that was synced, with all that lead to it: whoever makes it again leaves it unset. */
const durableMode = 0o1000;
const maxCached = 10_000;

/** Syncs directories, with `durability: "full"`, so that the names in them outlast a power cut. */
export class DurableDirectories {
  readonly #directory: StoreDirectory;
  /** The paths of those that this store has synced before. */
  readonly #durable = new Set<string>();

  constructor(directory: StoreDirectory) {
    this.#directory = directory;
  }

  /**
   * Syncs a directory in the store, and those that lead to it where that may not have been done since it was made. Where
   * it is gone, another has moved it away: that is synced, or what was there before could come back.
   */
  *sync(path: string): Gensync<void> {
    const { durability, layout, disk } = this.#directory;
    if (durability !== "full" || process.platform === "win32") return;
    const isTop = path === layout.directory;
    const wasSynced = this.#durable.has(path);
    const syncOpen = (fd: number): Gensync<void> => this.#syncOpen(fd, path, isTop, wasSynced);
    try {
      yield* withFile(disk.inline, `${path}/.`, readFlags, syncOpen);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (!isTop) yield* this.sync(dirname(path));
      return;
    }
    if (this.#durable.size >= maxCached) this.#durable.clear();
    this.#durable.add(path);
  }

  /**
   * Syncs the directory of the store, and those that lead to it: before the first change, whoever made them, for that
   * process may have been killed before it did so. Above what this user may read, nobody has made any for a store.
   */
  *syncRoot(): Gensync<void> {
    const { durability, layout, disk } = this.#directory;
    if (durability !== "full") return;
    let path = layout.directory;
    const sync = (): Gensync<void> => syncDirectory(disk, path);
    yield* sync();
    while (dirname(path) !== path) {
      path = dirname(path);
      if (!(yield* attempt(sync, "EACCES", "EPERM", "EINVAL", "EROFS"))) return;
    }
  }

  *#syncOpen(fd: number, path: string, isTop: boolean, wasSynced: boolean): Gensync<void> {
    const { inline, pooled } = this.#directory.disk;
    yield* wait(pooled.sync(fd));
    const { mode } = yield* wait(inline.stat(fd));
    if (isTop || (wasSynced && (mode & durableMode) !== 0)) return;
    yield* this.sync(dirname(path));
    // Where the mark cannot be set, the directories above are synced again each time.
    yield* ignoreFileErrors(attempt(() => wait(inline.changeMode(fd, (mode & 0o777) | durableMode))));
  }
}
