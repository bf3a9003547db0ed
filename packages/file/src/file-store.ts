import { resolve } from "node:path";
import type { Duration, FullStore } from "@kv/core";
import {
  checkOptions,
  createStore,
  type Driver,
  durationMs,
  type FullDriverNamespace,
} from "@kv/core/driver";
import { Backend } from "./backend.ts";
import { explain } from "./errors.ts";
import { fileNamespace } from "./file-namespace.ts";
import { disks } from "./files.ts";
import { run } from "./io.ts";
import { placeOf } from "./layout.ts";
import { type Durability, ordinary, Session, type Surroundings } from "./session.ts";
import { Sweeper } from "./sweeper.ts";

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

/** The same in surroundings of a test's own. */
export function fileStoreIn(options: FileStoreOptions, surroundings: Partial<Surroundings>): FileStore {
  checkFileOptions(options);
  const { directory, durability = "full", disk = "local" } = options;
  const { sweepEvery = Number.POSITIVE_INFINITY, timeout = "5s" } = options;
  const timeoutMs = durationMs(timeout, "timeout");
  const sweepEveryMs = durationMs(sweepEvery, "sweepEvery");
  const absolute = resolve(directory);
  const around: Surroundings = { ...ordinary, disk: disks[disk], ...surroundings };
  const session = new Session(absolute, durability, timeoutMs, around);
  const backend = new Backend(session);
  const placeAt = (path: readonly string[]): ReturnType<typeof placeOf> => placeOf(session.layout.data, path);
  if (sweepEveryMs !== Number.POSITIVE_INFINITY) {
    const root = placeAt([]);
    backend.sweeper = new Sweeper(sweepEveryMs, async () => backend.deleteExpired(root));
  }
  const namespace = (path: readonly string[]): FullDriverNamespace => fileNamespace(backend, placeAt(path));

  return createStore(
    {
      label: `files in ${absolute}`,
      root: namespace([]),
      namespace,
      copiesValues: true,
      explain,
      async close() {
        session.isClosed = true;
        await backend.sweeper?.stop();
        await run(session.close());
      },
    } satisfies Driver,
    { timeout },
  );
}

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
