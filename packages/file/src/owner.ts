import { Buffer } from "node:buffer";
import { listed, makeDirectories, removeIfEmpty, syncIfThere, syncUpTo, withFile } from "./directories.ts";
import { isFileError, isMissing } from "./errors.ts";
import { toCreate } from "./files.ts";
import type { Identity } from "./identity.ts";
import { answered, type Io, run } from "./io.ts";
import { entriesName, folderOf, ownersName, type Place } from "./layout.ts";
import type { Session } from "./session.ts";

/** Shorter than the shortest patience with a heartbeat that stands still, by far. */
const beatEveryMs = 1_000;
const mostDirectoriesKept = 1_000;

/**
 * A directory of this owner in a namespace, for files that are not yet or no longer entries. It is made before a
 * lock is taken and never made again under the same name: so whoever moves it away, alone or with its namespace,
 * has stopped every change that is under way there.
 */
export interface OwnDirectory {
  readonly path: string;
  /** How many changes are under way that use it. */
  users: number;
  /** The folders of entries that are known to outlast a power cut, by the first letters of their hashes. */
  readonly durable: Set<string>;
}

/** A store that changes things: its identity, what it holds, and its sign of life. */
export class Owner {
  readonly id: Identity;
  readonly directory: string;
  /** The file that its locks are links to. */
  readonly idPath: string;
  readonly #session: Session;
  /** How many hold it: while one is on its way out the next may be in already. */
  readonly #held = new Map<string, number>();
  /** Locks that could not be released. */
  readonly #unreleased = new Set<string>();
  readonly #directories = new Map<string, OwnDirectory>();
  #lastName = 0;
  #beating: ReturnType<typeof setInterval> | undefined;
  #hasHeld = false;

  constructor(session: Session, id: Identity) {
    this.#session = session;
    this.id = id;
    this.directory = `${session.layout.owners}/${id}`;
    this.idPath = `${this.directory}/id`;
  }

  *begin(): Io<void> {
    const { now } = this.#session.around.disk;
    yield* answered(now.makeDirectory(this.directory));
    const text = Buffer.from(this.id);
    try {
      yield* withFile(now, this.idPath, toCreate, (fd) => answered(now.write(fd, text, 0, text.length, 0)));
    } catch (error) {
      yield* this.#removed(this.directory);
      throw error;
    }
  }

  /** A name that this owner has not used yet. */
  freshName(): string {
    this.#lastName += 1;
    return `${this.#lastName}`;
  }

  holds(lock: string): boolean {
    return this.#held.has(lock);
  }

  tookLock(lock: string): void {
    this.#held.set(lock, (this.#held.get(lock) ?? 0) + 1);
    this.#unreleased.delete(lock);
    this.#hasHeld = true;
    if (this.#beating !== undefined) return;
    this.#beating = setInterval(() => this.#beat(), beatEveryMs);
    this.#beating.unref();
  }

  /**
   * Lets a lock go. By a rename into the owner's own directory, so that an owner that was fenced, and whose lock
   * another has taken since, does not take that one away. A failure of the disk keeps the lock for a later try.
   */
  *release(lock: string): Io<void> {
    try {
      if (!(yield* this.#released(lock)) && !(yield* this.#released(lock))) this.#unreleased.add(lock);
    } finally {
      const holders = this.#held.get(lock) ?? 0;
      if (holders > 1) this.#held.set(lock, holders - 1);
      else this.#held.delete(lock);
    }
  }

  *#released(lock: string): Io<boolean> {
    try {
      yield* this.takeAway(lock);
      return true;
    } catch (error) {
      if (!isFileError(error)) throw error;
      return isMissing(error); // this owner was fenced, and the lock is not its own any more
    }
  }

  /** Removes a lock, unless this owner has been fenced. */
  *takeAway(lock: string): Io<void> {
    const { now } = this.#session.around.disk;
    const aside = `${this.directory}/${this.freshName()}`;
    yield* answered(now.rename(lock, aside));
    try {
      yield* answered(now.unlink(aside));
    } catch (error) {
      if (!isFileError(error)) throw error; // it is litter now, and is swept with the directory
    }
  }

  /** Whether another has moved its directory away. */
  *isFenced(): Io<boolean> {
    return !(yield* this.#isThere(this.idPath));
  }

  /** The directory of this owner in a namespace, made if need be. */
  *directoryIn(place: Place): Io<OwnDirectory> {
    const known = this.#directories.get(place.directory);
    if (known !== undefined) return known;
    if (this.#directories.size >= mostDirectoriesKept) yield* this.#dropOldest();
    const { now } = this.#session.around.disk;
    const all = `${place.directory}/${ownersName}`;
    const path = `${all}/${this.id}.${this.freshName()}`;
    try {
      yield* answered(now.makeDirectory(path));
    } catch (error) {
      if (!isMissing(error)) throw error;
      yield* makeDirectories(now, all, this.#session.layout.directory);
      yield* answered(now.makeDirectory(path));
    }
    const other = this.#directories.get(place.directory);
    if (other !== undefined) {
      yield* removeIfEmpty(now, path); // another call was faster
      return other;
    }
    const made = { path, users: 0, durable: new Set<string>() };
    this.#directories.set(place.directory, made);
    return made;
  }

  /** The directory, or all of the namespace, was moved away. */
  forgetDirectory(place: Place, own: OwnDirectory): void {
    if (this.#directories.get(place.directory) === own) this.#directories.delete(place.directory);
  }

  /** Removes the directory in a namespace, unless a change that is under way needs it. */
  *leave(place: Place): Io<void> {
    const own = this.#directories.get(place.directory);
    if (own === undefined || own.users > 0) return;
    this.#directories.delete(place.directory);
    yield* removeIfEmpty(this.#session.around.disk.now, own.path);
  }

  /**
   * Makes a change of an entry's name last, and at the first time the folders that lead to it. Where another has moved
   * the namespace away since, that is made to last instead, or the entry of before could come back.
   */
  *makeDurable(place: Place, own: OwnDirectory, hash: string): Io<void> {
    const { disk } = this.#session.around;
    const folder = hash.slice(0, 2);
    const isThere = yield* syncIfThere(disk, folderOf(place, hash));
    if (isThere && own.durable.has(folder) && (yield* this.#isThere(own.path))) return;
    yield* syncUpTo(disk, `${place.directory}/${entriesName}`, this.#session.layout.directory);
    own.durable.add(folder);
  }

  stop(): void {
    clearInterval(this.#beating);
    this.#beating = undefined;
  }

  /** Takes away what is the owner's. What cannot be removed is litter, and is swept when its process has ended. */
  *end(): Io<void> {
    this.stop();
    yield* this.#releaseRest();
    for (const { path } of this.#directories.values()) yield* this.#removed(path);
    if (this.#unreleased.size === 0) yield* this.#removed(this.directory);
  }

  /** Removes a directory of its own, with the litter of what failed. */
  *#removed(directory: string): Io<void> {
    const { now } = this.#session.around.disk;
    try {
      if (yield* removeIfEmpty(now, directory)) return;
      for (const name of yield* listed(now, directory)) yield* answered(now.unlink(`${directory}/${name}`));
      yield* removeIfEmpty(now, directory);
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }

  *#releaseRest(): Io<void> {
    const locks = Array.from(this.#unreleased);
    for (const lock of locks) {
      if (this.holds(lock)) continue; // a later change has taken it over
      this.#unreleased.delete(lock);
      yield* this.release(lock);
    }
  }

  *#isThere(path: string): Io<boolean> {
    try {
      yield* answered(this.#session.around.disk.now.statAt(path));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  *#dropOldest(): Io<void> {
    for (const [directory, own] of this.#directories) {
      if (own.users > 0) continue;
      this.#directories.delete(directory);
      yield* removeIfEmpty(this.#session.around.disk.now, own.path);
      return;
    }
  }

  #beat(): void {
    if (this.#held.size === 0 && this.#unreleased.size === 0 && !this.#hasHeld) {
      this.stop();
      return;
    }
    this.#hasHeld = false;
    void run(this.#beaten());
  }

  *#beaten(): Io<void> {
    try {
      yield* this.#releaseRest();
      yield* answered(this.#session.around.disk.later.beat(this.idPath));
    } catch (error) {
      // A disk that fails for a while is told of by the calls; a fenced owner learns of it at its next one.
      if (!isFileError(error)) throw error;
    }
  }
}
