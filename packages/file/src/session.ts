import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { StoreError } from "@kv/core";
import type { Answer } from "@kv/core/driver";
import {
  discard,
  isThere,
  listed,
  makeDirectories,
  makeDirectory,
  syncDirectory,
  withFile,
} from "./directories.ts";
import { isErrno, isMissing, isNoFile, refusedDirectory } from "./errors.ts";
import { type Disk, toCreate, toRead } from "./files.ts";
import { canBeIdentity, type Identity, type Life, lifeOf, newIdentity } from "./identity.ts";
import { answered, type Io, run } from "./io.ts";
import { type Layout, layoutOf, markerName, type Place } from "./layout.ts";
import { Owner } from "./owner.ts";

/** What lasts: `none` asks the disk for nothing, `file` syncs the files, `full` their directories too. */
export type Durability = "none" | "file" | "full";

/** What a store works with. Tests put their own in the place of some. */
export interface Surroundings {
  readonly disk: Disk;
  /** The clock of expiries, which all processes share: milliseconds since 1970. */
  readonly now: () => number;
  readonly newIdentity: () => Identity;
  readonly lifeOf: (owner: Identity) => Life;
  /** How long the heartbeat of an owner that cannot be judged stands still until it is fenced. */
  readonly stillMs: number;
}

export const ordinary: Omit<Surroundings, "disk"> = {
  now: () => Date.now(),
  newIdentity,
  lifeOf,
  stillMs: 10_000,
};

/** A store's hold on its directory: opened by the first call, and owner of locks from the first change on. */
export class Session {
  readonly layout: Layout;
  readonly durability: Durability;
  readonly timeoutMs: number;
  readonly around: Surroundings;
  /** Long work looks at this now and then. */
  isClosed = false;
  #opened = false;
  #owner: Owner | undefined;
  #owning: Promise<Owner> | undefined;

  constructor(directory: string, durability: Durability, timeoutMs: number, around: Surroundings) {
    this.layout = layoutOf(directory);
    this.durability = durability;
    this.timeoutMs = timeoutMs;
    this.around = around;
  }

  get isOpen(): boolean {
    return this.#opened;
  }

  /** Makes sure that the directory is a store's: makes it one if it is missing or empty, refuses any other. */
  *open(): Io<void> {
    if (this.#opened) return;
    const { now } = this.around.disk;
    const { directory } = this.layout;
    const isNew = yield* this.#isNew();
    if (isNew) yield* makeDirectories(now, directory);
    yield* this.#refuseIfShared();
    if (isNew) yield* this.#mark();
    else yield* this.#refuseIfUnreadable();
    this.#opened = true;
  }

  /** This store as an owner of locks: a new one after it was fenced. */
  *owner(): Io<Owner> {
    if (this.#owner !== undefined) return this.#owner;
    if (this.#owning === undefined) {
      const answer = run(this.#become());
      if (!(answer instanceof Promise)) return answer;
      this.#owning = answer.finally(() => {
        this.#owning = undefined;
      });
    }
    return yield* answered(this.#owning as Answer<Owner>);
  }

  /** The owner was fenced, or its directory was removed with all others. */
  forget(owner: Owner): void {
    if (this.#owner !== owner) return;
    owner.stop();
    this.#owner = undefined;
    this.#opened = false;
  }

  /**
   * Whether an owner still has the directory that it made before its first lock. Without, it was fenced, or the text
   * of its lock did not outlast a power cut: in neither case can it release a lock.
   */
  *hasDirectory(id: Identity): Io<boolean> {
    return canBeIdentity(id) && (yield* isThere(this.around.disk.now, `${this.layout.owners}/${id}`));
  }

  /** Whether an owner changes nothing any more: its process has ended, or it was fenced. */
  *hasGone(id: Identity): Io<boolean> {
    return this.around.lifeOf(id) === "ended" || !(yield* this.hasDirectory(id));
  }

  /** Gives up the own directory in a namespace, unless it is in use. */
  *leaveNamespace(place: Place): Io<void> {
    if (this.#owner !== undefined) yield* this.#owner.directories.leave(place);
  }

  *close(): Io<void> {
    const owner = this.#owner;
    this.#owner = undefined;
    if (owner !== undefined) yield* owner.end();
  }

  /** No marker, and nothing else either. */
  *#isNew(): Io<boolean> {
    const names = yield* listed(this.around.disk.now, this.layout.directory);
    if (names.includes(markerName)) return false;
    const foreign = names.find((name) => !halfMarker.test(name));
    if (foreign === undefined) return true;
    throw refusedDirectory(
      this.layout.directory,
      `it holds other files (${JSON.stringify(foreign)}) and no ${markerName}. Choose a directory that is empty or does not exist.`,
    );
  }

  *#refuseIfShared(): Io<void> {
    const { directory } = this.layout;
    if (process.platform === "win32") return; // the mode says nothing there
    // With the dot, a symbolic link to the directory is followed: that one is the user's own choice.
    const status = yield* answered(this.around.disk.now.statAt(`${directory}/.`));
    if (status === undefined) {
      throw new StoreError(
        "KV_FAILED",
        `${directory} is a symbolic link to a directory that is not there, or was removed just now. Make the directory, or remove the link.`,
      );
    }
    const { mode } = status;
    if ((mode & 0o022) === 0) return;
    throw refusedDirectory(
      directory,
      `other users can write to it (mode ${(mode & 0o777).toString(8)}), and could read, change or redirect what is stored. Run chmod 700 on it.`,
    );
  }

  /** The marker comes whole or not at all, and says the same whoever makes it. */
  *#mark(): Io<void> {
    const { now, later } = this.around.disk;
    const half = `${this.layout.marker}.${randomBytes(8).toString("hex")}.tmp`;
    const text = Buffer.from(markerText);
    try {
      yield* withFile(now, half, toCreate, function* (fd) {
        yield* answered(now.write(fd, text, 0, text.length, 0));
        yield* answered(later.sync(fd));
      });
      yield* answered(now.rename(half, this.layout.marker));
    } catch (error) {
      yield* discard(now, half);
      throw error;
    }
  }

  /**
   * Makes the directory last, and those that lead to it: before the first change, whoever made them, as that one may
   * have been killed before it did so. Above what this user may look into, nobody has made any for a store.
   */
  *#makeDirectoryLast(): Io<void> {
    const { disk } = this.around;
    let path = this.layout.directory;
    yield* syncDirectory(disk, path);
    while (dirname(path) !== path) {
      path = dirname(path);
      try {
        yield* syncDirectory(disk, path);
      } catch (error) {
        if (isErrno(error, "EACCES", "EPERM", "EINVAL", "EROFS")) return;
        throw error;
      }
    }
  }

  *#refuseIfUnreadable(): Io<void> {
    const { now } = this.around.disk;
    const buffer = Buffer.alloc(64);
    let text = "";
    try {
      const length = yield* withFile(now, this.layout.marker, toRead, (fd) =>
        answered(now.read(fd, buffer, 0, buffer.length, 0)),
      );
      text = buffer.toString("utf8", 0, length);
    } catch (error) {
      if (!isNoFile(error)) throw error;
    }
    if (text === markerText) return;
    throw new StoreError(
      "KV_FAILED",
      /^@kv\/file (?!1\n)\d+\n/.test(text)
        ? `${this.layout.directory} was made by a later version of @kv/file. Use that version.`
        : `${this.layout.marker} is damaged, or is another program's. If the directory is a store's, write the line ${JSON.stringify(markerText)} into it.`,
    );
  }

  *#become(): Io<Owner> {
    yield* this.open();
    const { now } = this.around.disk;
    try {
      return yield* this.#newOwner();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    // The first change ever, or somebody has removed it all.
    this.#opened = false;
    yield* this.open();
    for (const path of [this.layout.data, this.layout.locks, this.layout.owners, this.layout.trash]) {
      yield* makeDirectory(now, path);
    }
    return yield* this.#newOwner();
  }

  *#newOwner(): Io<Owner> {
    if (this.durability === "full") yield* this.#makeDirectoryLast();
    const owner = new Owner(this, this.around.newIdentity());
    yield* owner.begin();
    this.#owner = owner;
    return owner;
  }
}

const markerText = "@kv/file 1\n";
const halfMarker = new RegExp(`^${markerName}\\.[0-9a-f]+\\.tmp$`);
