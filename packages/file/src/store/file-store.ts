import { resolve } from "node:path";
import { type Duration, type FullStore, isStoreError } from "@kv/core";
import { checkOptions, createStore, type Driver, durationMs, Interval, time } from "@kv/core/driver";
import { CallQueue } from "../calls/call-queue.ts";
import { disks, limitThreads } from "../disk/file-system.ts";
import { run } from "../disk/gensync.ts";
import { diskOf } from "../disk/thread-share.ts";
import type { FileContext } from "../entries/context.ts";
import { EntryReader } from "../entries/entry-reader.ts";
import { EntryWriter } from "../entries/entry-writer.ts";
import { explain, isFileError } from "../errors/errors.ts";
import { locateNamespace } from "../format/layout.ts";
import { deleteExpired } from "../maintenance/sweep.ts";
import { DurableDirectories } from "../ownership/durable-directories.ts";
import type { Durability, Environment } from "../ownership/environment.ts";
import { Generations } from "../ownership/generations.ts";
import { KeyLocks } from "../ownership/key-locks.ts";
import { livenessOf, newOwnerId } from "../ownership/owner-id.ts";
import { OwnerRegistry } from "../ownership/owner-registry.ts";
import { StoreDirectory } from "../ownership/store-directory.ts";
import { FileNamespace } from "./file-namespace.ts";

/** A store in files. */
export type FileStore = FullStore;

/** The options of `fileStore`. */
export interface FileStoreOptions {
  /**
   * The directory that holds the files. The first call makes it if it does not exist; one that holds anything else is
   * refused. Stores, processes and containers that use the same directory share its entries.
   */
  readonly directory: string;

  /**
   * The guarantee against power cuts: with `"full"` all that was acknowledged outlasts one; with `"file"` perhaps not
   * the newest; with `"none"` perhaps not the newest, and an entry that was being written may be damaged (`KV_CORRUPT`).
   * A process that is killed loses nothing that was acknowledged under any of them. Default: `"full"`.
   */
  readonly durability?: Durability | undefined;

  /**
   * The kind of disk. `"local"`: small files are read and written synchronously, which is ten times as fast; calls yield
   * to the event loop about once a millisecond. `"network"`: every request is made by the thread pool, for disks that
   * may hang. Default: `"local"`.
   */
  readonly disk?: "local" | "network" | undefined;

  /** The time between sweeps that remove expired entries in the background. Default: `Infinity`, for never. */
  readonly sweepEvery?: Duration | undefined;

  /**
   * The longest that a call waits for a lock, for earlier calls on its key, and for the disk; of a large value it
   * counts for each piece. `close` waits as long for calls in flight. Default: 5 s.
   */
  readonly timeout?: Duration | undefined;
}

/**
 * Makes a store in files, with every capability: safe among processes, and against crashes at any moment. Nothing is
 * touched before the first call.
 *
 * @throws TypeError, RangeError for invalid options
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

/** Makes a store in a test's own environment. */
export function fileStoreIn(options: FileStoreOptions, environment: Partial<Environment>): FileStore {
  const context = contextOf(options, environment);
  const { directory, owners } = context;
  const namespace = (path: readonly string[]): FileNamespace =>
    new FileNamespace(context, locateNamespace(directory.layout.data, path));
  const { timeout = "5s" } = options;
  return createStore(
    {
      label: `files in ${directory.layout.directory}`,
      root: namespace([]),
      namespace,
      copiesValues: true,
      explain,
      async close() {
        directory.isClosed = true;
        await context.sweeper.stop();
        await run(owners.close());
      },
    } satisfies Driver,
    { timeout },
  );
}

/** Makes the parts of a store. */
export function contextOf(options: FileStoreOptions, given: Partial<Environment>): FileContext {
  checkFileOptions(options);
  const {
    durability = "full",
    disk: kind = "local",
    timeout = "5s",
    sweepEvery = Number.POSITIVE_INFINITY,
  } = options;
  const path = resolve(options.directory);
  const environment = { ...defaults, disk: disks[kind], ...given };
  const disk = limitThreads(environment.disk, kind, () => environment.diskOf(path));
  const directory = new StoreDirectory(path, durability, { ...environment, disk });
  const durable = new DurableDirectories(directory);
  const owners = new OwnerRegistry(directory, durable);
  const context: FileContext = {
    directory,
    generations: new Generations(directory),
    durable,
    owners,
    locks: new KeyLocks(directory, owners),
    reader: new EntryReader(directory),
    writer: new EntryWriter(directory),
    queue: new CallQueue(durationMs(timeout, "timeout")),
    now: environment.now,
    sweeper: new Interval(durationMs(sweepEvery, "sweepEvery"), () => sweep(context)),
  };
  return context;
}

/** Sweeps once, in the background. */
async function sweep(context: FileContext): Promise<boolean> {
  try {
    await deleteExpired(context, locateNamespace(context.directory.layout.data, []));
  } catch (error) {
    // Errors of the disk are reported to the calls that use it.
    if (!isFileError(error) && !isStoreError(error)) throw error;
  }
  return true;
}

const defaults = { diskOf, now: () => time.wallMs(), newOwnerId, livenessOf, heartbeatTimeoutMs: 10_000 };
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
