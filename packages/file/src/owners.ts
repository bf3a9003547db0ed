import { Buffer } from "node:buffer";
import { guarded } from "@kv/core/driver";
import { closed, isErrno, isFull } from "./errors.ts";
import {
  isThere,
  linked,
  listed,
  makeDirectory,
  movedIfThere,
  removeWithFiles,
  tried,
  withFile,
} from "./file-operations.ts";
import { type Files, toChange, toCreate } from "./files.ts";
import { type Gensync, once, run, wait } from "./gensync.ts";
import { canBeIdentity, type DirectoryId, type Identity, isCopied } from "./identity.ts";
import type { StoreDirectory } from "./store-directory.ts";

/** Far shorter than the silence that an owner is fenced for. */
const beatEveryMs = 1_000;
/** An owner that holds no lock, and cannot be judged, is fenced after this: if it lives, it starts over. */
const forgottenMs = 24 * 3_600_000;
/** An id is padded to this, so that another in its place takes no more room. */
export const idBytes = 256;
const idName = "id";
/** A second file like it: see `Owner.slots`. */
const otherIdName = "id2";
const firstSlotName = "0";
/** What the name of an owner's directory ends with while the owner is being fenced. */
const fencedSuffix = ".fenced";

/** Of which of its two ids a lock of an owner is a link. */
export type Twin = 0 | 1;

/** This store as an owner of locks: its identity, and what it holds. */
export class Owner {
  readonly id: Identity;
  /** Which owners' directory it belongs in. */
  readonly home: DirectoryId;
  readonly directory: string;
  /** The file whose times are its sign of life. */
  readonly idPath: string;
  /** The files that its locks are links to. */
  readonly twins: readonly [string, string];
  /** Its locks; `undefined` where it is not known whose link one is. */
  readonly held: Map<string, Twin | undefined> = new Map();
  /**
   * Links in its own directory, of either id, over which locks of the other are released: so that takes one request. One
   * over a link of the same file would do nothing.
   */
  readonly slots: readonly [string[], string[]];
  /** Whether a lock could not be released. */
  isStuck = false;
  #lastName = 0;

  constructor(owners: string, id: Identity, home: DirectoryId) {
    this.id = id;
    this.home = home;
    this.directory = `${owners}/${id}`;
    this.idPath = `${this.directory}/${idName}`;
    this.twins = [this.idPath, `${this.directory}/${otherIdName}`];
    this.slots = [[], [`${this.directory}/${firstSlotName}`]];
  }

  /** A path in its directory that it has not used yet. */
  freshPath(): string {
    this.#lastName += 1;
    return `${this.directory}/${this.#lastName}`;
  }
}

/** The owners of locks in the directory of a store: this store is one from its first change on. */
export class Owners {
  readonly #directory: StoreDirectory;
  readonly #path: string;
  #current: Owner | undefined;
  readonly #registering = new Map<string, Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(directory: StoreDirectory) {
    this.#directory = directory;
    this.#path = directory.layout.owners;
  }

  /** This store as an owner: a new one after it was fenced. What frees room must need none. */
  current(needs: "room" | "no room"): Gensync<Owner> {
    return once(
      this.#registering,
      "",
      () => this.#current,
      () => this.#register(needs),
    );
  }

  /** Lets a new owner be made, if another has fenced this one, or removed its directory with all others. */
  *forgetIfFenced(owner: Owner): Gensync<void> {
    if (!(yield* isThere(this.#files, owner.idPath))) {
      this.#forget(owner);
      this.#directory.reopen();
    } else if (!(yield* isThere(this.#files, this.#directory.layout.locks))) yield* this.#directory.make();
  }

  /** Whether an owner has its directory, which it makes before its first lock. Without, it can do nothing. */
  *hasDirectory(id: Identity): Gensync<boolean> {
    return canBeIdentity(id) && (yield* isThere(this.#files, `${this.#path}/${id}`));
  }

  /**
   * Stops an owner: from then on it can neither take nor release a lock, nor complete a change that it has begun. If it
   * lives it finds out, and starts over as a new owner. Its directory gets another name first, under which it does not
   * look for it, and is then removed with all that a request that the system has begun could still find there.
   */
  *fence(id: Identity): Gensync<void> {
    if (!canBeIdentity(id)) return;
    const path = `${this.#path}/${id}`;
    let fenced = path + fencedSuffix;
    try {
      yield* movedIfThere(this.#files, path, fenced);
    } catch (error) {
      if (!isErrno(error, "EXDEV")) throw error;
      fenced = path; // it lies in a layer of an image, which is older than whoever runs in it
    }
    yield* removeWithFiles(this.#files, fenced, idName);
  }

  /**
   * Whether an owner changes nothing any more: it was fenced, or is that of a directory of which this is a copy, or has
   * ended. Where that cannot be seen from here its last sign of life counts, by the clock of the file system.
   */
  *hasGone(owner: Owner, id: Identity, patienceMs?: number): Gensync<boolean> {
    if (!(yield* this.hasDirectory(id)) || isCopied(id, owner.home)) return true;
    const { lifeOf, stillMs } = this.#directory.environment;
    const life = lifeOf(id);
    if (life !== "unknown") return life === "ended";
    yield* wait(this.#files.beat(owner.idPath));
    const here = yield* wait(this.#files.statAt(owner.idPath));
    const there = yield* wait(this.#files.statAt(`${this.#path}/${id}/${idName}`));
    const twin = yield* wait(this.#files.statAt(`${this.#path}/${id}/${otherIdName}`)); // each lock is a sign of life too
    // Where one has no sign of life, it has just begun, or is being fenced.
    if (here === undefined || there === undefined) return false;
    const lastMs = Math.max(there.ctimeMs, twin?.ctimeMs ?? 0);
    return Math.abs(here.ctimeMs - lastMs) >= (patienceMs ?? stillMs);
  }

  /** Fences all that have gone. */
  *fenceAllGone(): Gensync<void> {
    for (const name of yield* listed(this.#files, this.#path)) {
      const id = name.endsWith(fencedSuffix) ? name.slice(0, -fencedSuffix.length) : name;
      if (!canBeIdentity(id) || id === this.#current?.id) continue;
      const owner = yield* this.current("no room");
      if (id !== name || (yield* this.hasGone(owner, id, forgottenMs))) yield* this.fence(id);
    }
  }

  /** Gives signs of life for as long as an owner holds locks. */
  keepAlive(owner: Owner): void {
    if (this.#timer !== undefined || owner !== this.#current) return;
    const timer = setTimeout(
      guarded(async () => {
        await run(tried(this.#beat(owner))); // a disk that fails is reported by the calls
        if (this.#timer !== timer) return; // it was fenced meanwhile, and the timer is the next owner's
        this.#timer = undefined;
        if (owner.held.size > 0 || owner.isStuck) this.keepAlive(owner);
      }),
      beatEveryMs,
    );
    this.#timer = timer.unref();
  }

  *close(): Gensync<void> {
    const owner = this.#current;
    if (owner === undefined) return;
    this.#forget(owner);
    yield* tried(this.#leave(owner)); // what cannot be removed is litter, until its process has ended
  }

  get #files(): Files {
    return this.#directory.disk.now;
  }

  #forget(owner: Owner): void {
    if (this.#current !== owner) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#current = undefined;
  }

  *#register(needs: "room" | "no room"): Gensync<Owner> {
    const { disk, environment, layout } = this.#directory;
    if (this.#directory.isClosed) throw closed();
    yield* this.#directory.open();
    for (const path of [this.#path, layout.locks]) {
      if (!(yield* isThere(disk.now, path))) yield* this.#directory.make();
    }
    yield* this.#directory.makeDirectoryLast();
    const home = (yield* wait(disk.now.statAt(this.#path))) ?? { dev: 0, ino: 0 };
    const owner = new Owner(this.#path, environment.newIdentity(home), home);
    try {
      yield* this.#makeOwnerDirectory(owner.directory, owner.id);
    } catch (error) {
      yield* tried(removeWithFiles(disk.now, owner.directory, idName));
      // What frees room must work without: there is a directory that waits for this case.
      if (
        needs === "room" ||
        !isFull(error) ||
        !(yield* movedIfThere(disk.now, layout.spare, owner.directory))
      )
        throw error;
      for (const path of owner.twins) yield* this.#writeId(path, toChange, owner.id);
    }
    this.#current = owner;
    yield* tried(this.fenceAllGone());
    yield* tried(this.#makeSpare());
    return owner;
  }

  *#leave(owner: Owner): Gensync<void> {
    if (!(yield* isThere(this.#files, owner.idPath))) return; // what stands there now is another's
    yield* this.fence(owner.id);
    yield* this.#makeSpare();
  }

  *#makeSpare(): Gensync<void> {
    const { spare } = this.#directory.layout;
    if (yield* isThere(this.#files, `${spare}/${firstSlotName}`)) return;
    yield* removeWithFiles(this.#files, spare, idName); // somebody was killed who made it
    yield* this.#makeOwnerDirectory(spare, "");
  }

  *#makeOwnerDirectory(directory: string, id: Identity): Gensync<void> {
    yield* makeDirectory(this.#files, directory);
    for (const name of [idName, otherIdName]) yield* this.#writeId(`${directory}/${name}`, toCreate, id);
    yield* linked(this.#files, `${directory}/${otherIdName}`, `${directory}/${firstSlotName}`);
  }

  *#writeId(path: string, flags: number, id: Identity): Gensync<void> {
    const text = Buffer.from(id.padEnd(idBytes));
    yield* withFile(this.#files, path, flags, (fd) => wait(this.#files.write(fd, text, 0, idBytes, 0)));
  }

  *#beat(owner: Owner): Gensync<void> {
    if (owner.isStuck) {
      yield* this.fence(owner.id); // its changes start over
      this.#forget(owner);
    } else yield* wait(this.#directory.disk.later.beat(owner.idPath));
  }
}
