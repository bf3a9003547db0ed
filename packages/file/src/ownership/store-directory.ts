import { randomBytes } from "node:crypto";
import { StoreError, type StoreErrorCode } from "@kv/core";
import {
  discard,
  listDirectory,
  makeDirectories,
  makeDirectory,
  tryLink,
  withFile,
} from "../disk/file-operations.ts";
import { createFlags, type Disk, readFlags } from "../disk/file-system.ts";
import { type Gensync, wait } from "../disk/gensync.ts";
import { isNotRegularFile } from "../errors/errors.ts";
import { type Layout, layoutOf, markerName } from "../format/layout.ts";
import type { Durability, Environment } from "./environment.ts";

const layoutVersion = 2;
const markerText = `@kv/file ${layoutVersion}\n`;
const unfinishedMarker = new RegExp(`^${markerName}\\.[0-9a-f]+\\.tmp$`);

/** The directory of a store, made or checked by the first call. */
export class StoreDirectory {
  readonly layout: Layout;
  readonly durability: Durability;
  readonly environment: Environment;
  readonly disk: Disk;
  /** True once it was made or checked. */
  isOpen = false;
  /** True once the store was closed. Long work looks at this now and then. */
  isClosed = false;

  constructor(directory: string, durability: Durability, environment: Environment) {
    this.layout = layoutOf(directory);
    this.durability = durability;
    this.environment = environment;
    this.disk = environment.disk;
  }

  /** Makes sure that the directory is a store's: makes it one if it is missing or empty, refuses any other. */
  *open(): Gensync<void> {
    if (this.isOpen) return;
    const isNew = yield* this.#isNew();
    if (isNew) yield* makeDirectories(this.disk.inline, this.layout.directory);
    yield* this.#checkPermissions();
    if (isNew) yield* this.#writeMarker();
    else yield* this.#checkMarker();
    this.isOpen = true;
  }

  /** Does work when it is open. */
  *opened<T>(work: Gensync<T>): Gensync<T> {
    yield* this.open();
    return yield* work;
  }

  /**
   * Opens it, or looks again whose directory it is, so that nothing is removed that came in its place. Returns whether
   * it exists: one that was removed since is made again by a change only, not by a sweep in the background.
   */
  *stillExists(): Gensync<boolean> {
    if (this.isOpen) return !(yield* this.#isNew());
    yield* this.open();
    return true;
  }

  /** Makes the directories in it, at the first change ever, or after somebody has removed them all. */
  *make(): Gensync<void> {
    this.invalidate();
    yield* this.open();
    const { data, locks, owners, trash } = this.layout;
    for (const path of [data, locks, owners, trash]) yield* makeDirectory(this.disk.inline, path);
  }

  /** Looks again at what is there with the next call. */
  invalidate(): void {
    this.isOpen = false;
  }

  /** Tells whether it has no marker, and nothing else either. */
  *#isNew(): Gensync<boolean> {
    const names = yield* listDirectory(this.disk.inline, this.layout.directory);
    if (names.includes(markerName)) return false;
    const foreign = names.find((name) => !unfinishedMarker.test(name));
    if (foreign === undefined) return true;
    throw this.#refusal(
      `it holds other files (${JSON.stringify(foreign)}) and no ${markerName}. Choose an empty one.`,
    );
  }

  *#checkPermissions(): Gensync<void> {
    const user = process.geteuid?.();
    if (user === undefined) return; // Windows, where the mode says nothing either
    // With the dot, a symbolic link to the directory is followed: that one is the user's own choice.
    const status = yield* wait(this.disk.inline.statAt(`${this.layout.directory}/.`));
    if (status === undefined) {
      throw this.#refusal("it is a symbolic link that leads nowhere, or was removed just now.", "KV_FAILED");
    }
    const { mode, uid } = status;
    const could = "could read, change or redirect what is stored";
    if (uid !== user && uid !== 0) {
      const why = `it belongs to user ${uid}, who ${could}, and this process runs as user ${user}`;
      throw this.#refusal(`${why}. Run as that user, or chown the directory.`);
    }
    if ((mode & 0o022) === 0) return;
    const others = `other users, who ${could}, can write to it (mode ${(mode & 0o777).toString(8)})`;
    throw this.#refusal(`${others}. Run chmod 700 on it.`);
  }

  #refusal(why: string, code: StoreErrorCode = "KV_DENIED"): StoreError {
    return new StoreError(code, `${this.layout.directory} was refused: ${why}`);
  }

  /** Writes the marker, which comes whole or not at all, and says the same whoever makes it. */
  *#writeMarker(): Gensync<void> {
    const { inline, pooled } = this.disk;
    const { marker } = this.layout;
    const unfinished = `${marker}.${randomBytes(8).toString("hex")}.tmp`;
    const text = Buffer.from(markerText);
    try {
      yield* withFile(inline, unfinished, createFlags, function* (fd) {
        yield* wait(inline.write(fd, text, 0, text.length, 0));
        yield* wait(pooled.sync(fd));
      });
      yield* tryLink(inline, unfinished, marker);
    } finally {
      yield* discard(inline, unfinished);
    }
  }

  *#checkMarker(): Gensync<void> {
    const { inline } = this.disk;
    const { marker } = this.layout;
    const buffer = Buffer.alloc(64);
    let length = 0;
    try {
      length = yield* withFile(inline, marker, readFlags, (fd) =>
        wait(inline.read(fd, buffer, 0, buffer.length, 0)),
      );
    } catch (error) {
      if (!isNotRegularFile(error)) throw error;
    }
    const text = buffer.toString("utf8", 0, length);
    if (text === markerText) return;
    const version = /^@kv\/file (\d+)\n$/.exec(text)?.[1];
    const why =
      version === undefined
        ? `its ${markerName} is damaged, or is another program's. Of a store it holds ${JSON.stringify(markerText)}.`
        : `it has layout ${version}, and this version reads layout ${layoutVersion} alone. Copy its entries (kv copy).`;
    throw this.#refusal(why, "KV_FAILED");
  }
}
