import { isThere, listed, makeDirectories, removeWithFiles, syncIfThere, syncUpTo } from "./directories.ts";
import { isMissing } from "./errors.ts";
import { canBeIdentity, type Identity } from "./identity.ts";
import { answered, type Io } from "./io.ts";
import { entriesName, folderOf, ownersName, type Place } from "./layout.ts";
import type { Session } from "./session.ts";
import { shut } from "./trash.ts";

const mostKept = 1_000;
/** What the name of a directory ends with while its owner is alone in the namespace. */
const alone = ".alone";
const namePattern = /^(.+)\.\d+(\.alone)?$/;
/** How often an owner in company looks whether the others have left. */
const lookEveryMs = 1_000;

/**
 * A directory of an owner in a namespace, for files that are not yet or no longer entries. It is made before a change
 * is begun and never made again under the same name: so whoever shuts it, or moves the namespace away, has stopped every
 * change that is under way there.
 */
export interface OwnDirectory {
  readonly path: string;
  /**
   * No other owner changes anything in the namespace: whoever is about to shuts this directory first. So a change that
   * ends with a rename out of it or into it needs no lock.
   */
  readonly isAlone: boolean;
  /** How many changes are under way that use it. */
  users: number;
  /** The folders of entries that are known to outlast a power cut, by the first letters of their hashes. */
  readonly durable: Set<string>;
  /** Until then the others, if there are any, are taken to be there. */
  lookAgainMs: number;
}

/** The directories of one owner in the namespaces that it changes. */
export class OwnDirectories {
  readonly #session: Session;
  readonly #id: Identity;
  readonly #known = new Map<string, OwnDirectory>();
  #lastName = 0;

  constructor(session: Session, id: Identity) {
    this.#session = session;
    this.#id = id;
  }

  /** The directory in a namespace, made if need be, for a change that calls `done` when it does not need it any more. */
  *in({ directory }: Place, mayBeAlone: boolean): Io<OwnDirectory> {
    const known = this.#known.get(directory);
    if (known !== undefined) {
      if (mayBeAlone ? !(yield* this.#othersHaveLeft(directory, known)) : !known.isAlone) return used(known);
      yield* this.#giveUp(directory, known);
    }
    if (this.#known.size >= mostKept) yield* this.#giveUpOldest();
    const made = yield* this.#made(directory, mayBeAlone);
    const other = this.#known.get(directory); // of a call that was faster
    if (other !== undefined) yield* this.#giveUp(directory, other);
    this.#known.set(directory, made);
    return used(made);
  }

  /** A change needs it no more. Where it was given up meanwhile, the last change removes it. */
  *done(place: Place, own: OwnDirectory): Io<void> {
    own.users -= 1;
    if (this.#known.get(place.directory) !== own) yield* this.#removeUnused(own);
  }

  /** The directory was shut, or all of the namespace moved away. */
  forget(place: Place, own: OwnDirectory): void {
    if (this.#known.get(place.directory) === own) this.#known.delete(place.directory);
  }

  /** Removes the directory in a namespace, unless a change that is under way needs it. */
  *leave({ directory }: Place): Io<void> {
    const own = this.#known.get(directory);
    if (own?.users === 0) yield* this.#giveUp(directory, own);
  }

  /** Removes all of them, with the litter of what failed. */
  *removeAll(): Io<void> {
    for (const { path } of this.#known.values()) yield* removeWithFiles(this.#session.around.disk.now, path);
  }

  /**
   * Makes a change of an entry's name last, and at the first time the folders that lead to it. Where another has moved
   * the namespace away since, that is made to last instead, or the entry of before could come back.
   */
  *makeDurable(place: Place, own: OwnDirectory, hash: string): Io<void> {
    const { disk } = this.#session.around;
    const folder = hash.slice(0, 2);
    const hasFolder = yield* syncIfThere(disk, folderOf(place, hash));
    if (hasFolder && own.durable.has(folder) && (yield* isThere(disk.now, own.path))) return;
    yield* syncUpTo(disk, `${place.directory}/${entriesName}`, this.#session.layout.directory);
    own.durable.add(folder);
  }

  /**
   * Makes a directory, and finds out whether this owner is alone, where it may be. Its own name is there before it looks for others:
   * of two that come at the same time, one at least sees the other. A listing may miss what is renamed while it runs,
   * so whoever gives up being alone looks once more, and stops those that have missed it.
   */
  *#made(directory: string, mayBeAlone: boolean): Io<OwnDirectory> {
    const { now } = this.#session.around.disk;
    const all = `${directory}/${ownersName}`;
    this.#lastName += 1;
    const inCompany = `${all}/${this.#id}.${this.#lastName}`;
    const path = inCompany + alone;
    yield* this.#makeDirectory(all, path);
    try {
      if (mayBeAlone && (yield* this.#othersIn(all)).length === 0) return newDirectory(path, true);
      yield* answered(now.rename(path, inCompany));
      for (const other of yield* this.#othersIn(all)) {
        if (other.endsWith(alone)) yield* shut(this.#session, `${all}/${other}`);
      }
      return newDirectory(inCompany, false);
    } catch (error) {
      yield* removeWithFiles(now, path);
      yield* removeWithFiles(now, inCompany);
      throw error;
    }
  }

  *#makeDirectory(all: string, path: string): Io<void> {
    const { now } = this.#session.around.disk;
    try {
      yield* answered(now.makeDirectory(path));
    } catch (error) {
      if (!isMissing(error)) throw error;
      yield* makeDirectories(now, all, this.#session.layout.directory);
      yield* answered(now.makeDirectory(path));
    }
  }

  /** The names of what others have there. What was of an owner that has ended, or was fenced, is shut. */
  *#othersIn(all: string): Io<string[]> {
    const others: string[] = [];
    for (const name of yield* listed(this.#session.around.disk.now, all)) {
      const owner = ownerOf(name);
      if (owner === undefined || owner === this.#id) continue;
      if (yield* this.#session.hasGone(owner)) yield* shut(this.#session, `${all}/${name}`);
      else others.push(name);
    }
    return others;
  }

  *#othersHaveLeft(directory: string, own: OwnDirectory): Io<boolean> {
    if (own.isAlone) return false;
    const nowMs = performance.now();
    if (nowMs < own.lookAgainMs) return false;
    own.lookAgainMs = nowMs + lookEveryMs;
    return (yield* this.#othersIn(`${directory}/${ownersName}`)).length === 0;
  }

  *#giveUpOldest(): Io<void> {
    for (const [directory, own] of this.#known) {
      yield* this.#giveUp(directory, own);
      return;
    }
  }

  /** Changes that are under way go on in it; those that begin from now on get another. */
  *#giveUp(directory: string, own: OwnDirectory): Io<void> {
    if (this.#known.get(directory) === own) this.#known.delete(directory);
    yield* this.#removeUnused(own);
  }

  *#removeUnused(own: OwnDirectory): Io<void> {
    if (own.users === 0) yield* removeWithFiles(this.#session.around.disk.now, own.path);
  }
}

/** Whose directory in a namespace that is, by its name; `undefined` where no owner has named it so. */
export function ownerOf(name: string): Identity | undefined {
  const [, owner = ""] = namePattern.exec(name) ?? [];
  return canBeIdentity(owner) ? owner : undefined;
}

function used(own: OwnDirectory): OwnDirectory {
  own.users += 1;
  return own;
}

function newDirectory(path: string, isAlone: boolean): OwnDirectory {
  return { path, isAlone, users: 0, durable: new Set(), lookAgainMs: performance.now() + lookEveryMs };
}
