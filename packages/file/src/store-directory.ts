import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { StoreError, type StoreErrorCode } from "@kv/core";
import { isNoFile } from "./errors.ts";
import {
  attempt,
  discard,
  isDirectory,
  linked,
  listed,
  makeDirectories,
  makeDirectory,
  syncDirectory,
  tried,
  withFile,
} from "./file-operations.ts";
import { type Disk, toCreate, toRead } from "./files.ts";
import { type Gensync, once, wait } from "./gensync.ts";
import type { Identity, Life, newIdentity } from "./identity.ts";
import { generationPattern, type Layout, layoutOf, markerName, type Place } from "./layout.ts";

/** What lasts: `none` asks the disk for nothing, `file` syncs the files, `full` their directories too. */
export type Durability = "none" | "file" | "full";

/** What a store works with. Tests put their own in the place of some. */
export interface Environment {
  readonly disk: Disk;
  /** What tells the disk that a path lies on from others. */
  readonly diskOf: (path: string) => string;
  /** The clock of expiries, which all processes share: milliseconds since 1970. */
  readonly now: () => number;
  readonly newIdentity: typeof newIdentity;
  readonly lifeOf: (owner: Identity) => Life;
  /** How long an owner that cannot be judged may give no sign of life until it is fenced. */
  readonly stillMs: number;
}

const layoutVersion = 2;
const markerText = `@kv/file ${layoutVersion}\n`;
const halfMarker = new RegExp(`^${markerName}\\.[0-9a-f]+\\.tmp$`);
/** A sticky directory of entries is one whose name outlasts a power cut. */
const lasting = 0o1000;
const mostRemembered = 10_000;

/** The directory of a store, made or checked by the first call. */
export class StoreDirectory {
  readonly layout: Layout;
  readonly durability: Durability;
  readonly environment: Environment;
  /** Whether it was made or checked. */
  isOpen = false;
  /** Long work looks at this now and then. */
  isClosed = false;
  /** The generations of namespaces, by their directories. */
  readonly #generations = new Map<string, string>();
  readonly #finding = new Map<string, Promise<void>>();
  /** The folders of entries that this store has made to last. */
  readonly #lasting = new Set<string>();

  constructor(directory: string, durability: Durability, environment: Environment) {
    this.layout = layoutOf(directory);
    this.durability = durability;
    this.environment = environment;
  }

  get disk(): Disk {
    return this.environment.disk;
  }

  /** Makes sure that the directory is a store's: makes it one if it is missing or empty, refuses any other. */
  *open(): Gensync<void> {
    if (this.isOpen) return;
    const isNew = yield* this.#isNew();
    if (isNew) yield* makeDirectories(this.disk.now, this.layout.directory);
    yield* this.#refuseUnlessPrivate();
    if (isNew) yield* this.#mark();
    else yield* this.#refuseUnlessMarked();
    this.isOpen = true;
  }

  /**
   * Opens it, or looks again whose directory it is, so that nothing is removed that came in its place. Gives whether it is
   * there: one that was removed since is made anew by a change only, not by a sweep in the background.
   */
  *isStillThere(): Gensync<boolean> {
    if (this.isOpen) return !(yield* this.#isNew());
    yield* this.open();
    return true;
  }

  /** Makes what it consists of, at the first change ever, or after somebody has removed it all. */
  *make(): Gensync<void> {
    this.reopen();
    yield* this.open();
    const { data, locks, owners, trash } = this.layout;
    for (const path of [data, locks, owners, trash]) yield* makeDirectory(this.disk.now, path);
  }

  /** Looks again at what is there with the next call. */
  reopen(): void {
    this.isOpen = false;
  }

  /**
   * A directory that is there as long as this making of a namespace is: a path that leads through it leads nowhere once
   * a `deleteAll` has moved the namespace away, whoever makes it anew.
   */
  generation({ directory }: Place): Gensync<string> {
    return once(
      this.#finding,
      directory,
      () => this.#generations.get(directory),
      () => this.#foundOrMade(directory),
    );
  }

  forgetGeneration({ directory }: Place): void {
    this.#generations.delete(directory);
  }

  /**
   * Makes what a directory in the store holds last, with `durability: "full"`, and that it is there. Where it is not,
   * another has moved it away: that is made to last, or what was there before could come back.
   */
  *makeLast(path: string): Gensync<void> {
    if (this.durability !== "full" || process.platform === "win32") return;
    const { now, later } = this.disk;
    const isTop = path === this.layout.directory;
    const isKnown = this.#lasting.has(path);
    const above = (): Gensync<void> => this.makeLast(dirname(path));
    const sync = function* (fd: number): Gensync<void> {
      yield* wait(later.sync(fd));
      const { mode } = yield* wait(now.stat(fd));
      // Whoever has removed the directory and made it anew since has left no mark.
      if (isTop || (isKnown && (mode & lasting) !== 0)) return;
      yield* above();
      // Without the mark it is made to last again each time.
      yield* tried(attempt(() => wait(now.changeMode(fd, (mode & 0o777) | lasting))));
    };
    const isThere = yield* attempt(() => withFile(now, `${path}/.`, toRead, sync), "ENOENT");
    if (!isThere) return isTop ? undefined : yield* above();
    if (this.#lasting.size >= mostRemembered) this.#lasting.clear();
    this.#lasting.add(path);
  }

  /**
   * Makes the directory last, and those that lead to it: before the first change, whoever made them, as that one may
   * have been killed before it did so. Above what this user may look into, nobody has made any for a store.
   */
  *makeDirectoryLast(): Gensync<void> {
    if (this.durability !== "full") return;
    let path = this.layout.directory;
    const sync = (): Gensync<void> => syncDirectory(this.disk, path);
    yield* sync();
    while (dirname(path) !== path) {
      path = dirname(path);
      if (!(yield* attempt(sync, "EACCES", "EPERM", "EINVAL", "EROFS"))) return;
    }
  }

  *#foundOrMade(directory: string): Gensync<string> {
    const { now } = this.disk;
    const found = (yield* listed(now, directory)).find((name) => generationPattern.test(name));
    let path = `${directory}/${found ?? ""}`;
    if (found === undefined || !(yield* isDirectory(now, path))) {
      path = `${directory}/g-${randomBytes(8).toString("hex")}`;
      yield* makeDirectories(now, path, this.layout.directory);
    }
    if (this.#generations.size >= mostRemembered) this.#generations.clear();
    this.#generations.set(directory, path);
    return path;
  }

  /** No marker, and nothing else either. */
  *#isNew(): Gensync<boolean> {
    const names = yield* listed(this.disk.now, this.layout.directory);
    if (names.includes(markerName)) return false;
    const foreign = names.find((name) => !halfMarker.test(name));
    if (foreign === undefined) return true;
    throw this.#refused(
      `it holds other files (${JSON.stringify(foreign)}) and no ${markerName}. Choose an empty one.`,
    );
  }

  *#refuseUnlessPrivate(): Gensync<void> {
    const user = process.geteuid?.();
    if (user === undefined) return; // Windows, where the mode says nothing either
    // With the dot, a symbolic link to the directory is followed: that one is the user's own choice.
    const status = yield* wait(this.disk.now.statAt(`${this.layout.directory}/.`));
    if (status === undefined) {
      throw this.#refused("it is a symbolic link that leads nowhere, or was removed just now.", "KV_FAILED");
    }
    const { mode, uid } = status;
    const could = "could read, change or redirect what is stored";
    if (uid !== user && uid !== 0) {
      const why = `it belongs to user ${uid}, who ${could}, and this process runs as user ${user}`;
      throw this.#refused(`${why}. Run as that user, or chown the directory.`);
    }
    if ((mode & 0o022) === 0) return;
    const others = `other users, who ${could}, can write to it (mode ${(mode & 0o777).toString(8)})`;
    throw this.#refused(`${others}. Run chmod 700 on it.`);
  }

  #refused(why: string, code: StoreErrorCode = "KV_DENIED"): StoreError {
    return new StoreError(code, `${this.layout.directory} was refused: ${why}`);
  }

  /** The marker comes whole or not at all, and says the same whoever makes it. */
  *#mark(): Gensync<void> {
    const { now, later } = this.disk;
    const { marker } = this.layout;
    const half = `${marker}.${randomBytes(8).toString("hex")}.tmp`;
    const text = Buffer.from(markerText);
    try {
      yield* withFile(now, half, toCreate, function* (fd) {
        yield* wait(now.write(fd, text, 0, text.length, 0));
        yield* wait(later.sync(fd));
      });
      yield* linked(now, half, marker);
    } finally {
      yield* discard(now, half);
    }
  }

  *#refuseUnlessMarked(): Gensync<void> {
    const { now } = this.disk;
    const { marker } = this.layout;
    const buffer = Buffer.alloc(64);
    let length = 0;
    try {
      length = yield* withFile(now, marker, toRead, (fd) => wait(now.read(fd, buffer, 0, buffer.length, 0)));
    } catch (error) {
      if (!isNoFile(error)) throw error;
    }
    const text = buffer.toString("utf8", 0, length);
    if (text === markerText) return;
    const version = /^@kv\/file (\d+)\n$/.exec(text)?.[1];
    const why =
      version === undefined
        ? `its ${markerName} is damaged, or is another program's. Of a store it holds ${JSON.stringify(markerText)}.`
        : `it has layout ${version}, and this version reads layout ${layoutVersion} alone. Copy its entries (kv copy).`;
    throw this.#refused(why, "KV_FAILED");
  }
}
