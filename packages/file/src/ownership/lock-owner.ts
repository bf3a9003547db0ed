import { Interval } from "@kv/core/driver";
import { ignoreFileErrors } from "../disk/file-operations.ts";
import { type Gensync, run } from "../disk/gensync.ts";
import type { DirectoryId, OwnerId } from "./owner-id.ts";

/** Far shorter than the silence that an owner is fenced for. */
const heartbeatMs = 1_000;

export const idName = "id";
/** A second file like it: see `LockOwner.spareLinks`. */
export const secondIdName = "id2";
export const firstSpareLinkName = "0";

/** The index of the id file of its owner that a lock is a link of. */
export type IdIndex = 0 | 1;

/** This store as an owner of locks: its id, and what it holds. */
export class LockOwner {
  readonly id: OwnerId;
  /** The `owners` directory that it belongs in. */
  readonly directoryId: DirectoryId;
  readonly directory: string;
  /** The file whose times its heartbeat sets. */
  readonly idPath: string;
  /** The files that its locks are links to. */
  readonly idPaths: readonly [string, string];
  /** The paths of its locks, and which id each is a link of: `undefined` where that is not known. */
  readonly heldLocks: Map<string, IdIndex | undefined> = new Map();
  /**
   * Links in its own directory, of either id, over which locks of the other are released: that takes one request. A
   * rename over a link of the same file would do nothing.
   */
  readonly spareLinks: readonly [string[], string[]];
  /** True once a lock could not be released. */
  hasStuckLock = false;
  /** Runs while it holds locks. */
  readonly heartbeat: Interval;
  #lastName = 0;

  constructor(owners: string, id: OwnerId, directoryId: DirectoryId, heartbeat: () => Gensync<void>) {
    this.id = id;
    this.directoryId = directoryId;
    this.directory = `${owners}/${id}`;
    this.idPath = `${this.directory}/${idName}`;
    this.idPaths = [this.idPath, `${this.directory}/${secondIdName}`];
    this.spareLinks = [[], [`${this.directory}/${firstSpareLinkName}`]];
    this.heartbeat = new Interval(heartbeatMs, async () => {
      await run(ignoreFileErrors(heartbeat())); // a disk that fails is reported by the calls
      return this.heldLocks.size > 0 || this.hasStuckLock;
    });
  }

  /** Returns a path in its directory that it has not used yet. */
  newPath(): string {
    this.#lastName += 1;
    return `${this.directory}/${this.#lastName}`;
  }
}
