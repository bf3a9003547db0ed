import { dirname } from "node:path";
import {
  discardWithFiles,
  isThere,
  listed,
  makeDirectories,
  shut,
  shutSuffix,
  syncIfThere,
  syncUpTo,
} from "./directories.ts";
import { isMissing } from "./errors.ts";
import { canBeIdentity, type Identity } from "./identity.ts";
import { answered, type Io, run } from "./io.ts";
import { entriesName, folderOf, ownersName, type Place } from "./layout.ts";
import type { Session } from "./session.ts";

const mostKept = 1_000;
/** What the name of a directory ends with whose owner is alone in the namespace. */
const alone = ".alone";
const namePattern = /^(.+)\.\d+(\.alone)?(\.shut)?$/;
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
  /** Until then the others are taken to be there. */
  lookAgainMs: number;
}

/** The directories of one owner in the namespaces that it changes: up to two in each. */
export class OwnDirectories {
  readonly #session: Session;
  readonly #id: Identity;
  // By the directory of the namespace.
  readonly #alone = new Map<string, OwnDirectory>();
  readonly #inCompany = new Map<string, OwnDirectory>();
  /** What a call is making, in a namespace where others wait for it. */
  readonly #making = new Map<string, Promise<OwnDirectory>>();
  #lastName = 0;

  constructor(session: Session, id: Identity) {
    this.#session = session;
    this.#id = id;
  }

  /**
   * The directory in a namespace, made if need be, for a change that says with `done` that it needs it no more.
   *
   * @param mayBeAlone whether it will do where whoever comes stops the change
   */
  *in({ directory }: Place, mayBeAlone: boolean): Io<OwnDirectory> {
    for (;;) {
      const ready = this.#ready(directory, mayBeAlone);
      if (ready !== undefined) return used(ready);
      const making = this.#making.get(directory);
      if (making === undefined) return yield* this.#makeForAll(directory, mayBeAlone);
      yield making;
    }
  }

  /** A change needs it no more. One that was given up meanwhile goes with the last. */
  *done({ directory }: Place, own: OwnDirectory): Io<void> {
    own.users -= 1;
    if (this.#knownLike(own).get(directory) !== own) yield* this.#removeUnused(own);
  }

  /** The directory was shut, or all of the namespace moved away. */
  forget({ directory }: Place, own: OwnDirectory): void {
    const known = this.#knownLike(own);
    if (known.get(directory) === own) known.delete(directory);
  }

  /** Removes the directories in a namespace, unless a change that is under way needs them. */
  *leave({ directory }: Place): Io<void> {
    for (const known of [this.#alone, this.#inCompany]) {
      const own = known.get(directory);
      if (own?.users === 0) yield* this.#giveUp(known, directory, own);
    }
  }

  /** Removes all of them, with the litter of what failed. */
  *removeAll(): Io<void> {
    for (const { path } of [...this.#alone.values(), ...this.#inCompany.values()]) {
      yield* discardWithFiles(this.#session.around.disk.now, path);
    }
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

  /** What will do for a change, unless it is time to look whether the others have left. */
  #ready(directory: string, mayBeAlone: boolean): OwnDirectory | undefined {
    const company = this.#inCompany.get(directory);
    if (!mayBeAlone) return company;
    return this.#alone.get(directory) ?? (company !== undefined && !mayLook(company) ? company : undefined);
  }

  /** Others who need one there wait for it meanwhile: were each to make its own, each would have to look at all. */
  *#makeForAll(directory: string, mayBeAlone: boolean): Io<OwnDirectory> {
    const answer = run(this.#make(directory, mayBeAlone));
    if (!(answer instanceof Promise)) return answer;
    const making = answer.finally(() => this.#making.delete(directory));
    this.#making.set(directory, making);
    return yield* answered<OwnDirectory>(making);
  }

  *#make(directory: string, mayBeAlone: boolean): Io<OwnDirectory> {
    const made = mayBeAlone ? yield* this.#tryAlone(directory) : undefined;
    if (made !== undefined) return yield* this.#kept(this.#alone, directory, made);
    const company = this.#inCompany.get(directory);
    if (company !== undefined) return used(company);
    return yield* this.#kept(this.#inCompany, directory, yield* this.#comeInto(directory));
  }

  /** Being there before it looks for others, of two that come at the same time one at least sees the other. */
  *#tryAlone(directory: string): Io<OwnDirectory | undefined> {
    const made = yield* this.#made(directory, alone);
    const others = yield* this.#orRemoved(made, this.#othersIn(directory));
    if (others.length === 0) return made;
    yield* this.#removeUnused(made);
    return undefined;
  }

  /** From here on nobody else is alone. */
  *#comeInto(directory: string): Io<OwnDirectory> {
    const made = yield* this.#made(directory, "");
    yield* this.#orRemoved(made, this.#stopThoseAlone(directory));
    return made;
  }

  *#stopThoseAlone(directory: string): Io<void> {
    for (const other of yield* this.#othersIn(directory)) {
      if (other.endsWith(alone)) yield* shut(this.#session.around.disk.now, other);
    }
  }

  /** Removes what was made where the work for it fails. */
  *#orRemoved<T>(made: OwnDirectory, work: Io<T>): Io<T> {
    try {
      return yield* work;
    } catch (error) {
      yield* this.#removeUnused(made);
      throw error;
    }
  }

  *#made(directory: string, suffix: string): Io<OwnDirectory> {
    this.#lastName += 1;
    const path = `${directory}/${ownersName}/${this.#id}.${this.#lastName}${suffix}`;
    const { now } = this.#session.around.disk;
    try {
      yield* answered(now.makeDirectory(path));
    } catch (error) {
      if (!isMissing(error)) throw error;
      yield* makeDirectories(now, dirname(path), this.#session.layout.directory);
      yield* answered(now.makeDirectory(path));
    }
    const lookAgainMs = performance.now() + lookEveryMs;
    return { path, isAlone: suffix === alone, users: 0, durable: new Set(), lookAgainMs };
  }

  /** What others have there. What was of an owner that has ended, or was fenced, is shut, and what is being shut. */
  *#othersIn(directory: string): Io<string[]> {
    const others: string[] = [];
    const all = `${directory}/${ownersName}`;
    const { now } = this.#session.around.disk;
    // A listing may miss what gets another name meanwhile, as one does that is being shut, and only once.
    const names = new Set([...(yield* listed(now, all)), ...(yield* listed(now, all))]);
    for (const name of names) {
      const owner = ownerOf(name);
      if (owner === undefined || owner === this.#id) continue;
      if (name.endsWith(shutSuffix) || (yield* this.#session.hasGone(owner)))
        yield* shut(now, `${all}/${name}`);
      else others.push(`${all}/${name}`);
    }
    return others;
  }

  /** Keeps what was made, and no more than so many. */
  *#kept(known: Map<string, OwnDirectory>, directory: string, made: OwnDirectory): Io<OwnDirectory> {
    const own = used(made);
    const [oldest] = known;
    known.set(directory, own);
    if (known.size > mostKept && oldest !== undefined) yield* this.#giveUp(known, ...oldest);
    return own;
  }

  /** Changes that are under way go on in it. */
  *#giveUp(known: Map<string, OwnDirectory>, directory: string, own: OwnDirectory): Io<void> {
    known.delete(directory);
    yield* this.#removeUnused(own);
  }

  *#removeUnused(own: OwnDirectory): Io<void> {
    if (own.users === 0) yield* discardWithFiles(this.#session.around.disk.now, own.path);
  }

  #knownLike({ isAlone }: OwnDirectory): Map<string, OwnDirectory> {
    return isAlone ? this.#alone : this.#inCompany;
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

function mayLook(company: OwnDirectory): boolean {
  const nowMs = performance.now();
  if (nowMs < company.lookAgainMs) return false;
  company.lookAgainMs = nowMs + lookEveryMs;
  return true;
}
