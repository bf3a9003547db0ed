import { Buffer } from "node:buffer";
import { inBackground } from "@kv/core/driver";
import {
  exists,
  ignoreFileErrors,
  listDirectory,
  makeDirectory,
  moveIfExists,
  removeWithFiles,
  tryLink,
  withFile,
} from "../disk/file-operations.ts";
import { createFlags, type FileSystem, readWriteFlags } from "../disk/file-system.ts";
import { computeOnce, type Gensync, wait } from "../disk/gensync.ts";
import { isErrno, isFull, storeClosed } from "../errors/errors.ts";
import type { DurableDirectories } from "./durable-directories.ts";
import { firstSpareLinkName, idName, LockOwner, secondIdName } from "./lock-owner.ts";
import { isCopied, isOwnerId, type OwnerId } from "./owner-id.ts";
import type { StoreDirectory } from "./store-directory.ts";

/** The directory for a new owner. `reserve` uses the spare one on a full disk, for operations that free room. */
export type Allocation = "normal" | "reserve";

/** An owner whose liveness is unknown, and that holds no lock, is fenced after this: if it lives, it starts over. */
const abandonedAfterMs = 24 * 3_600_000;
/** An id is padded to this, so that another id written over it takes no more room. */
export const idBytes = 256;
/** The end of the name of an owner's directory while the owner is being fenced. */
const fencedSuffix = ".fenced";

/** The owners of locks in the directory of a store: this store is one from its first change on. */
export class OwnerRegistry {
  readonly #directory: StoreDirectory;
  readonly #durable: DurableDirectories;
  readonly #path: string;
  #current: LockOwner | undefined;
  readonly #registering = new Map<string, Promise<void>>();

  constructor(directory: StoreDirectory, durable: DurableDirectories) {
    this.#directory = directory;
    this.#durable = durable;
    this.#path = directory.layout.owners;
  }

  /** Returns this store as an owner: a new one after it was fenced. */
  *current(allocation: Allocation): Gensync<LockOwner> {
    return this.#current ?? (yield* this.#registerOnce(allocation));
  }

  /** Lets a new owner register, if another has fenced this one, or removed its directory with all others. */
  *invalidateIfFenced(owner: LockOwner): Gensync<void> {
    if (!(yield* exists(this.#files, owner.idPath))) {
      this.#invalidate(owner);
      this.#directory.invalidate();
    } else if (!(yield* exists(this.#files, this.#directory.layout.locks))) yield* this.#directory.make();
  }

  /** Tells whether an owner has its directory, which it makes before its first lock. Without it, it can do nothing. */
  *hasDirectory(id: OwnerId): Gensync<boolean> {
    return isOwnerId(id) && (yield* exists(this.#files, `${this.#path}/${id}`));
  }

  /**
   * Stops an owner permanently: it can neither acquire nor release a lock any more, nor complete a change that it has
   * begun. If it lives it finds out, and starts over as a new owner. Its directory gets another name first, under which
   * the owner does not look for it, and is then removed with all that a request that the system has begun could still
   * find there.
   */
  *fence(id: OwnerId): Gensync<void> {
    if (!isOwnerId(id)) return;
    const path = `${this.#path}/${id}`;
    let fenced = path + fencedSuffix;
    try {
      yield* moveIfExists(this.#files, path, fenced);
    } catch (error) {
      if (!isErrno(error, "EXDEV")) throw error;
      fenced = path; // it lies in a layer of an image, which is older than whoever runs in it
    }
    yield* removeWithFiles(this.#files, fenced, idName);
  }

  /**
   * Tells whether an owner makes no more changes: it was fenced, or has ended, or belongs to a directory of which this is
   * a copy. Where that cannot be seen from here its last heartbeat counts, by the clock of the file system.
   */
  *isDead(owner: LockOwner, id: OwnerId, timeoutMs?: number): Gensync<boolean> {
    if (!(yield* this.hasDirectory(id)) || isCopied(id, owner.directoryId)) return true;
    const { livenessOf, heartbeatTimeoutMs } = this.#directory.environment;
    const liveness = livenessOf(id);
    if (liveness !== "unknown") return liveness === "ended";
    yield* wait(this.#files.touch(owner.idPath));
    const here = yield* wait(this.#files.statAt(owner.idPath));
    const there = yield* wait(this.#files.statAt(`${this.#path}/${id}/${idName}`));
    const second = yield* wait(this.#files.statAt(`${this.#path}/${id}/${secondIdName}`)); // locking touches either
    // Where there is no id, the owner has just begun, or is being fenced.
    if (here === undefined || there === undefined) return false;
    const lastMs = Math.max(there.ctimeMs, second?.ctimeMs ?? 0);
    return Math.abs(here.ctimeMs - lastMs) >= (timeoutMs ?? heartbeatTimeoutMs);
  }

  /** Fences all owners that are dead. */
  *fenceDead(): Gensync<void> {
    for (const name of yield* listDirectory(this.#files, this.#path)) {
      const id = name.endsWith(fencedSuffix) ? name.slice(0, -fencedSuffix.length) : name;
      if (!isOwnerId(id) || id === this.#current?.id) continue;
      const owner = yield* this.current("reserve");
      if (id !== name || (yield* this.isDead(owner, id, abandonedAfterMs))) yield* this.fence(id);
    }
  }

  /** Sends heartbeats for as long as an owner holds locks. */
  startHeartbeat(owner: LockOwner): void {
    if (owner === this.#current) owner.heartbeat.start();
  }

  /** Removes this store's owner. */
  *close(): Gensync<void> {
    const owner = this.#current;
    if (owner === undefined) return;
    this.#invalidate(owner);
    yield* ignoreFileErrors(this.#unregister(owner)); // what cannot be removed is, once its process has ended
  }

  get #files(): FileSystem {
    return this.#directory.disk.inline;
  }

  #invalidate(owner: LockOwner): void {
    if (this.#current !== owner) return;
    inBackground(() => owner.heartbeat.stop());
    this.#current = undefined;
  }

  #registerOnce(allocation: Allocation): Gensync<LockOwner> {
    return computeOnce(
      this.#registering,
      "",
      () => this.#current,
      () => this.#register(allocation),
    );
  }

  *#register(allocation: Allocation): Gensync<LockOwner> {
    const { disk, environment, layout } = this.#directory;
    if (this.#directory.isClosed) throw storeClosed();
    yield* this.#directory.open();
    for (const path of [this.#path, layout.locks]) {
      if (!(yield* exists(disk.inline, path))) yield* this.#directory.make();
    }
    yield* this.#durable.syncRoot();
    const directoryId = (yield* wait(disk.inline.statAt(this.#path))) ?? { dev: 0, ino: 0 };
    const owner: LockOwner = new LockOwner(this.#path, environment.newOwnerId(directoryId), directoryId, () =>
      this.#sendHeartbeat(owner),
    );
    try {
      yield* this.#makeOwnerDirectory(owner.directory, owner.id);
    } catch (error) {
      yield* ignoreFileErrors(removeWithFiles(disk.inline, owner.directory, idName));
      if (allocation === "normal" || !isFull(error)) throw error;
      if (!(yield* moveIfExists(disk.inline, layout.spare, owner.directory))) throw error;
      for (const path of owner.idPaths) yield* this.#writeId(path, readWriteFlags, owner.id);
    }
    this.#current = owner;
    yield* ignoreFileErrors(this.fenceDead());
    yield* ignoreFileErrors(this.#makeSpare());
    return owner;
  }

  *#unregister(owner: LockOwner): Gensync<void> {
    if (!(yield* exists(this.#files, owner.idPath))) return; // another owner's directory may have come in its place
    yield* this.fence(owner.id);
    yield* this.#makeSpare();
  }

  *#makeSpare(): Gensync<void> {
    const { spare } = this.#directory.layout;
    if (yield* exists(this.#files, `${spare}/${firstSpareLinkName}`)) return;
    yield* removeWithFiles(this.#files, spare, idName); // whoever made it was killed meanwhile
    yield* this.#makeOwnerDirectory(spare, "");
  }

  *#makeOwnerDirectory(directory: string, id: OwnerId): Gensync<void> {
    yield* makeDirectory(this.#files, directory);
    for (const name of [idName, secondIdName]) yield* this.#writeId(`${directory}/${name}`, createFlags, id);
    yield* tryLink(this.#files, `${directory}/${secondIdName}`, `${directory}/${firstSpareLinkName}`);
  }

  *#writeId(path: string, flags: number, id: OwnerId): Gensync<void> {
    const text = Buffer.from(id.padEnd(idBytes));
    yield* withFile(this.#files, path, flags, (fd) => wait(this.#files.write(fd, text, 0, idBytes, 0)));
  }

  *#sendHeartbeat(owner: LockOwner): Gensync<void> {
    if (owner.hasStuckLock) {
      yield* this.fence(owner.id); // its changes start over
      this.#invalidate(owner);
    } else yield* wait(this.#directory.disk.pooled.touch(owner.idPath));
  }
}
