import { Buffer } from "node:buffer";
import { type Answer, guarded } from "@kv/core/driver";
import { discardWithFiles, isThere, withFile } from "./directories.ts";
import { isFileError, isMissing } from "./errors.ts";
import { toCreate } from "./files.ts";
import type { Identity } from "./identity.ts";
import { answered, type Io, run } from "./io.ts";
import { OwnDirectories } from "./own-directories.ts";
import type { Session } from "./session.ts";

/** Shorter than the shortest patience with a heartbeat that stands still, by far. */
const beatEveryMs = 1_000;

/** A store that changes things: its identity, what it holds, and its sign of life. */
export class Owner {
  readonly id: Identity;
  readonly directory: string;
  /** The file that its locks are links to. */
  readonly idPath: string;
  /** Those in the namespaces that it changes. */
  readonly directories: OwnDirectories;
  readonly #session: Session;
  /** How many hold it: while one is on its way out the next may be in already. */
  readonly #held = new Map<string, number>();
  /** Locks that could not be released. */
  readonly #unreleased = new Set<string>();
  #lastName = 0;
  #beating: ReturnType<typeof setInterval> | undefined;
  #hasHeld = false;

  constructor(session: Session, id: Identity) {
    this.#session = session;
    this.id = id;
    this.directory = `${session.layout.owners}/${id}`;
    this.idPath = `${this.directory}/id`;
    this.directories = new OwnDirectories(session, id);
  }

  *begin(): Io<void> {
    const { now } = this.#session.around.disk;
    yield* answered(now.makeDirectory(this.directory));
    const text = Buffer.from(this.id);
    try {
      yield* withFile(now, this.idPath, toCreate, (fd) => answered(now.write(fd, text, 0, text.length, 0)));
    } catch (error) {
      yield* discardWithFiles(now, this.directory);
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
    this.#beating = setInterval(
      guarded(() => this.#beat()),
      beatEveryMs,
    );
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
    return !(yield* isThere(this.#session.around.disk.now, this.idPath));
  }

  stop(): void {
    clearInterval(this.#beating);
    this.#beating = undefined;
  }

  /** Takes away what is the owner's. What cannot be removed is litter, and is swept when its process has ended. */
  *end(): Io<void> {
    this.stop();
    yield* this.#releaseRest();
    yield* this.directories.removeAll();
    if (this.#unreleased.size === 0) yield* discardWithFiles(this.#session.around.disk.now, this.directory);
  }

  *#releaseRest(): Io<void> {
    const locks = Array.from(this.#unreleased);
    for (const lock of locks) {
      if (this.holds(lock)) continue; // a later change has taken it over
      this.#unreleased.delete(lock);
      yield* this.release(lock);
    }
  }

  #beat(): Answer<void> {
    if (this.#held.size === 0 && this.#unreleased.size === 0 && !this.#hasHeld) {
      this.stop();
      return undefined;
    }
    this.#hasHeld = false;
    return run(this.#beaten());
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
