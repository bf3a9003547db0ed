import { resolve } from "node:path";
import type { Duration, FullStore } from "@kv/core";
import { checkOptions, createStore, type Driver, durationMs } from "@kv/core/driver";
import { CallQueue } from "./call-queue.ts";
import type { FileContext } from "./context.ts";
import { EntryFiles } from "./entry-files.ts";
import { explain } from "./errors.ts";
import { FileNamespace } from "./file-namespace.ts";
import { disks, sharingThreads } from "./files.ts";
import { run } from "./gensync.ts";
import { lifeOf, newIdentity } from "./identity.ts";
import { placeOf } from "./layout.ts";
import { Locks } from "./locks.ts";
import { Owners } from "./owners.ts";
import { type Durability, type Environment, StoreDirectory } from "./store-directory.ts";
import { Sweeper } from "./sweeper.ts";
import { diskOf } from "./thread-share.ts";

export type FileStore = FullStore;

export interface FileStoreOptions {
  /**
   * Where the files are kept. It is made by the first call if it does not exist; a directory that holds anything
   * else is refused. Whatever several stores, processes and containers keep in one directory they share.
   */
  readonly directory: string;

  /**
   * What outlasts a power cut: `"full"`, all that was acknowledged (unless told); `"file"`, perhaps not the newest;
   * `"none"`, perhaps not the newest, and an entry that was being written may be damaged (`KV_CORRUPT`). A process
   * that is killed loses nothing that was acknowledged under any of them.
   */
  readonly durability?: Durability | undefined;

  /**
   * `"local"` unless told: small files are read and written synchronously, which is ten times as fast; calls give
   * way to the event loop about once a millisecond. `"network"`: every call is made by the thread pool, for disks
   * that may keep one waiting.
   */
  readonly disk?: "local" | "network" | undefined;

  /** How often what has expired is removed in the background: `Infinity` unless told, for never. See `deleteExpired`. */
  readonly sweepEvery?: Duration | undefined;

  /**
   * The longest that a call waits for a lock, for earlier calls on its key, and for the disk; of a large value it
   * counts for each piece. `close` waits as long for what is under way. `"5s"` unless told.
   */
  readonly timeout?: Duration | undefined;
}

/**
 * Makes a store in files, with every capability: safe among processes, and against crashes at any moment. Nothing is
 * touched before the first call.
 *
 * @throws TypeError, RangeError for options that do not fit
 *
 * @example
 * ```ts
 * import { fileStore } from "@kv/file";
 *
 * const sessions = fileStore({ directory: ".kv" }).withNamespace("sessions");
 * await sessions.set("id", "ada", { expiresIn: "30m" });
 * ```
 */
export function fileStore(options: FileStoreOptions): FileStore {
  return fileStoreIn(options, {});
}

/** The same in an environment of a test's own. */
export function fileStoreIn(options: FileStoreOptions, environment: Partial<Environment>): FileStore {
  const context = contextOf(options, environment);
  const { directory, owners } = context;
  const namespace = (path: readonly string[]): FileNamespace =>
    new FileNamespace(context, placeOf(directory.layout.data, path));
  const root = namespace([]);
  const { timeout = "5s", sweepEvery = Number.POSITIVE_INFINITY } = options;
  const everyMs = durationMs(sweepEvery, "sweepEvery");
  if (everyMs !== Number.POSITIVE_INFINITY)
    context.sweeper = new Sweeper(everyMs, () => root.deleteExpired());
  return createStore(
    {
      label: `files in ${directory.layout.directory}`,
      root,
      namespace,
      copiesValues: true,
      explain,
      async close() {
        directory.isClosed = true;
        await context.sweeper?.stop();
        await run(owners.close());
      },
    } satisfies Driver,
    { timeout },
  );
}

export function contextOf(options: FileStoreOptions, given: Partial<Environment>): FileContext {
  checkFileOptions(options);
  const { durability = "full", disk: kind = "local", timeout = "5s" } = options;
  const path = resolve(options.directory);
  const environment = { ...defaults, disk: disks[kind], ...given };
  const disk = sharingThreads(environment.disk, kind, () => environment.diskOf(path));
  const directory = new StoreDirectory(path, durability, { ...environment, disk });
  const owners = new Owners(directory);
  return {
    directory,
    queue: new CallQueue(durationMs(timeout, "timeout")),
    owners,
    locks: new Locks(directory, owners),
    files: new EntryFiles(directory),
    now: environment.now,
  };
}

const defaults = { diskOf, now: () => Date.now(), newIdentity, lifeOf, stillMs: 10_000 };
const durabilities: readonly Durability[] = ["none", "file", "full"];
const known: readonly string[] = ["directory", "durability", "disk", "sweepEvery", "timeout"];

function checkFileOptions(options: FileStoreOptions): void {
  checkOptions(options, known);
  const { directory, durability = "full", disk = "local" } = options;
  if (typeof directory !== "string" || directory === "") {
    throw new TypeError('directory must be the path of a directory, like "data/kv".');
  }
  if (!durabilities.includes(durability)) {
    throw new TypeError(`durability must be one of ${durabilities.join(", ")}.`);
  }
  if (!(disk in disks)) throw new TypeError("disk must be local or network.");
}
